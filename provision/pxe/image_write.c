#include "pxe/image_write.h"

#include <errno.h>

#include "base/log.h"
#include "fetch/server.h"
#include "pxe/disk_mark.h"
#include "pxe/patience.h"

/* Without a byte. The lab's server may be on its way back; a mirror has a stand-in. */
#define SERVER_PATIENCE 600.0
#define MIRROR_PATIENCE 10.0
#define BEGINNINGS	3 /* with a server that cannot go on in the middle */
/* A mirror that sends a little each time, or just enough not to be taken for silent, would hold a
 * machine for days, with the lab's server at hand. */
#define MIRROR_BREAKS	 4
#define MIRROR_SLOWEST	 (64.0 * 1024) /* bytes a second, the disk's own time not counted */
#define MIRROR_SLOW_TIME 30.0	       /* before it is judged */

struct source {
	struct fetch_server server;
	const char *url;
	double patience;
	unsigned breaks; /* how often it may break off; 0: as often as it likes */
	double slowest;
};

struct writing {
	const struct ticket *ticket;
	struct report *report;
	struct stream_writer *writer;
	struct fetch_sink sink;
	const struct source *source;
	double began, disk_seconds;
};

/* The disk is cleared where the image has holes. */
static void tell(void *context)
{
	const struct writing *writing = context;

	report_progress(writing->report, writing->sink.offset_bytes,
			writing->ticket->image.stream_bytes, "writing the image");
}

/* Of what came since the beginning, the pauses between tries counted. */
static int pace_check(const struct writing *writing, size_t length, struct err *err)
{
	double seconds = clock_seconds() - writing->began - writing->disk_seconds;
	double bytes = (double)(writing->sink.offset_bytes + length);

	if (seconds < MIRROR_SLOW_TIME || bytes >= writing->source->slowest * seconds)
		return 0;
	return err_set(err, -ETIMEDOUT, "it sends %.0f bytes a second", bytes / seconds);
}

static int part_add(void *context, const void *data, size_t length, struct err *err)
{
	struct writing *writing = context;
	double before = clock_seconds();
	int r = stream_writer_feed(writing->writer, data, length, err);

	tell(writing);
	writing->disk_seconds += clock_seconds() - before;
	return r < 0 ? r : pace_check(writing, length, err);
}

/* Until all bytes are there, or none came for too long, or it broke off too often. */
static int source_read(struct writing *writing, struct err *err)
{
	const struct source *source = writing->source;
	const char *name = source->server.name;
	uint64_t total = writing->ticket->image.stream_bytes, before = 0;
	struct patience patience = patience_begin(source->patience);
	unsigned breaks = 0;
	int r = 0;

	while (writing->sink.offset_bytes < total) {
		before = writing->sink.offset_bytes;
		r = fetch_server_stream(&source->server, source->url, &writing->sink, err);
		if (r == 0 && writing->sink.offset_bytes < total)
			r = err_set(err, -EAGAIN, "%s: the image ended too early", name);
		if (r == 0)
			break;
		if (r != -EAGAIN || ++breaks == source->breaks)
			return r;
		if (writing->sink.offset_bytes > before)
			patience = patience_begin(source->patience);
		report_say(writing->report, "%s: trying again: %s", name,
			   err && err->text ? err->text : "");
		if (!patience_wait(&patience))
			return r;
	}
	if (err)
		err_clear(err);
	return 0;
}

/* From the beginning: what one source sent is not mixed with what another does. */
static int source_begin(const struct source *source, const struct ticket *ticket, int disk,
			struct report *report, struct err *err)
{
	CLEANUP(stream_writer_cleanup) struct stream_writer *writer = NULL;
	char owner[HASH_HEX_LENGTH + 1];
	int r = disk_mark_owner(source->server.ca_path, ticket->machine, owner, err);

	if (r == 0)
		r = stream_writer_new(disk, ticket->image.disk_bytes, &writer, err);
	if (r < 0)
		return r;
	stream_writer_mark(writer, owner);
	struct writing writing = {
		.ticket = ticket,
		.report = report,
		.writer = writer,
		.source = source,
		.began = clock_seconds(),
	};
	writing.sink = (struct fetch_sink){ .add = part_add, .context = &writing };
	stream_writer_on_wait(writer, tell, &writing);
	r = source_read(&writing, err);
	if (r < 0)
		return r;
	report_say(report, "the image is here; the disk writes what is left");
	r = stream_writer_end(writer, ticket->image.sha256, err);
	return r < 0 ? err_wrap(err, r, "%s", source->server.name) : 0;
}

static int source_write(const struct source *source, const struct ticket *ticket, int disk,
			struct report *report, struct err *err)
{
	int r = -ERANGE;

	for (int i = 0; r == -ERANGE && i < BEGINNINGS; i++)
		r = source_begin(source, ticket, disk, report, err);
	return r;
}

/* What another source cannot mend. */
static bool is_disk_failure(int r)
{
	return r == -EIO || r == -ENOSPC || r == -EROFS || r == -ENOMEDIUM || r == -ENXIO;
}

int image_write_from(const struct ticket *ticket, const struct lab_call *call, const char *ca_path,
		     int disk, struct report *report, struct err *err)
{
	CLEANUP(free_cleanup) char *url = lab_call_url(call, "image");
	const struct source own = {
		.server = { "the lab's server", ca_path },
		.url = url,
		.patience = SERVER_PATIENCE,
	};

	for (size_t i = 0; i < ticket->mirrors.count; i++) {
		CLEANUP(err_clear) struct err failure = { 0 };
		CLEANUP(free_cleanup) char *name = str_format("mirror %zu", i + 1);
		const struct source mirror = {
			.server = { name, ca_path },
			.url = ticket->mirrors.items[i],
			.patience = MIRROR_PATIENCE,
			.breaks = MIRROR_BREAKS,
			.slowest = MIRROR_SLOWEST,
		};
		int r = source_write(&mirror, ticket, disk, report, &failure);

		if (r == 0)
			return 0;
		if (is_disk_failure(r))
			return err_set(err, r, "%s", failure.text);
		report_say(report, "%s is given up: %s", name, failure.text);
	}
	return source_write(&own, ticket, disk, report, err);
}
