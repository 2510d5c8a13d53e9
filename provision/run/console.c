#include "run/console.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fs.h"

#define KEEP_BYTES ((size_t)128 * 1024) /* a verbose boot of Xen and a dom0 kernel is 60 KiB */
#define LINE_BYTES 240
#define WRAP_BYTES 1024

int console_open(struct console *console, const char *log_path, struct err *err)
{
	*console = (struct console){ .log = -1 };
	console_limit(console, KEEP_BYTES);
	if (!log_path)
		return 0;
	console->log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	if (console->log < 0)
		return err_errno(err, errno, "%s: cannot be made", log_path);
	return 0;
}

void console_limit(struct console *console, size_t keep_bytes)
{
	free(console->text);
	console->text = mem_alloc(2 * keep_bytes + 1);
	console->keep_bytes = keep_bytes;
	console->length = console->column = 0;
}

/* Drops escape sequences (ECMA-48: ESC, or ESC [ parameters final) and control bytes. */
static bool is_text(struct console *console, unsigned char c)
{
	switch (console->escape) {
	case 1:
		console->escape = c == '[' ? 2 : 0;
		return false;
	case 2:
		if (c >= 0x40 && c <= 0x7e)
			console->escape = 0;
		return false;
	default:
		break;
	}
	if (c == 0x1b) {
		console->escape = 1;
		return false;
	}
	return c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f);
}

static void text_add(struct console *console, char c)
{
	size_t keep = console->keep_bytes;

	if (console->length == 2 * keep) {
		memmove(console->text, console->text + keep, keep);
		console->length = keep;
	}
	console->text[console->length++] = c;
	console->column = c == '\n' ? 0 : console->column + 1;
}

void console_add(struct console *console, const char *data, size_t length)
{
	if (console->log >= 0 && fd_write_all(console->log, data, length) < 0) {
		/* A full disk must not end the run: the recent part goes on in memory. */
		close(console->log);
		console->log = -1;
	}
	for (size_t i = 0; i < length; i++) {
		if (!is_text(console, (unsigned char)data[i]))
			continue;
		if (console->column == WRAP_BYTES && data[i] != '\n')
			text_add(console, '\n');
		text_add(console, data[i]);
	}
	console->text[console->length] = '\0';
}

void console_forget(struct console *console)
{
	console->length = console->column = 0;
	console->text[0] = '\0';
}

static const char *line_start(const char *text, const char *end)
{
	while (end > text && end[-1] != '\n')
		end--;
	return end;
}

/* The line before *end that is not blank; moves *end to its start. NULL: there is none. */
static const char *line_before(const char *text, const char **end, size_t *ret_length)
{
	while (*end > text) {
		const char *start = line_start(text, *end);
		size_t length = (size_t)(*end - start);
		size_t blank = strspn(start, " \t");

		*end = start > text ? start - 1 : text;
		if (blank < length) {
			*ret_length = length;
			return start;
		}
	}
	return NULL;
}

void console_tail(const struct console *console, size_t count, struct strv *ret_lines)
{
	const char *end = console->text + console->length, *line;
	const char **starts = mem_alloc(sizeof *starts * count);
	size_t *lengths = mem_alloc(sizeof *lengths * count);
	size_t found = 0;

	while (found < count && (line = line_before(console->text, &end, &lengths[found])))
		starts[found++] = line;
	while (found-- > 0) {
		size_t shown = lengths[found] > LINE_BYTES ? str_cut(starts[found], LINE_BYTES)
							   : lengths[found];

		strv_format(ret_lines, "%.*s", (int)shown, starts[found]);
		str_tame(ret_lines->items[ret_lines->count - 1]);
	}
	free(starts);
	free(lengths);
}

char *console_last(const struct console *console, size_t max_bytes)
{
	const char *end = console->text + console->length;
	size_t length = 0;
	const char *line = line_before(console->text, &end, &length);

	return str_format("%.*s", (int)(length < max_bytes ? length : max_bytes), line ? line : "");
}

void console_done(struct console *console)
{
	if (!console->text)
		return;
	free(console->text);
	if (console->log >= 0)
		close(console->log);
	*console = (struct console){ .log = -1 };
}
