#include "console.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

#define GATHER_SECONDS 0.25

static void chunk_send(struct console *console)
{
	struct outward *outward = console->outward;
	size_t length = console->kept.length < CONSOLE_CHUNK ? console->kept.length : CONSOLE_CHUNK;
	char path[PATH_BYTES + CONF_NAME];
	struct buf message = { 0 };

	snprintf(path, sizeof path, "%s/%s", outward->path, console->name);
	json_begin(&message, "console");
	json_text(&message, "path", path);
	json_data(&message, "data", console->kept.data, length);
	json_close(&message, '}');
	buf_drop(&console->kept, length);
	outward_send(outward, &message);
}

/* Records and events must not stand behind a long queue of console text: it waits here, where
 * the oldest of it can be given up. */
static bool line_is_free(const struct console *console)
{
	return outward_has_hello(console->outward) && console->outward->channel.watch.fd >= 0 &&
	       channel_queued(&console->outward->channel) < CHANNEL_QUEUE_LOW;
}

static void gather_fire(void *context)
{
	struct console *console = context;

	while (console->kept.length > 0 && line_is_free(console))
		chunk_send(console);
}

void console_resume(struct console *console)
{
	if (!console->gather.armed)
		gather_fire(console);
}

static void log_add(struct console *console, const char *text, size_t length)
{
	if (console->log_fd < 0 || console->log_bytes >= CONSOLE_LOG_MAX)
		return;
	if (length > CONSOLE_LOG_MAX - console->log_bytes)
		length = CONSOLE_LOG_MAX - console->log_bytes;
	ssize_t done = write(console->log_fd, text, length);
	if (done > 0)
		console->log_bytes += (size_t)done;
}

void console_add(struct console *console, const char *text, size_t length)
{
	struct loop *loop = console->outward->loop;

	log_add(console, text, length);
	buf_add(&console->kept, text, length);
	if (console->kept.length > CONSOLE_KEPT_BYTES)
		buf_drop(&console->kept, console->kept.length - CONSOLE_KEPT_BYTES);
	if (console->kept.length >= CONSOLE_CHUNK && line_is_free(console))
		chunk_send(console);
	if (!console->gather.armed)
		timer_set(loop, &console->gather, GATHER_SECONDS);
}

void console_skip_newline(struct console *console)
{
	const struct buf *kept = &console->kept;

	if (kept->length >= 2 && memcmp(kept->data + kept->length - 2, "\n\n", 2) == 0)
		console->kept.length--;
}

void console_init(struct console *console, struct outward *outward, const char *name,
		  const char *folder)
{
	char path[512], old[512 + 8];

	console->outward = outward;
	console->name = name;
	console->kept = (struct buf){ 0 };
	console->gather = (struct timer){ .fire = gather_fire, .context = console };
	snprintf(path, sizeof path, "%s/%s.console", folder, name);
	snprintf(old, sizeof old, "%s.old", path);
	rename(path, old); /* of the start before this one; there may be none */
	console->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	console->log_bytes = 0;
}

void console_done(struct console *console)
{
	timer_stop(console->outward->loop, &console->gather);
	if (console->log_fd >= 0)
		close(console->log_fd);
	console->log_fd = -1;
	buf_done(&console->kept);
}
