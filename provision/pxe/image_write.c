#include "pxe/image_write.h"

#include <errno.h>

#include "fetch/server.h"
#include "pxe/patience.h"

/* Without a byte. The lab's server may be on its way back; a mirror has a stand-in. */
#define SERVER_PATIENCE 600.0
#define MIRROR_PATIENCE 10.0
#define BEGINNINGS	3 /* with a server that cannot go on in the middle */

struct writing {
	const struct ticket *ticket;
	struct report *report;
	struct stream_writer *writer;
	struct fetch_sink sink;
};

/* The disk is cleared where the image has holes. */
static void tell(void *context)
{
	const struct writing *writing = context;

	report_progress(writing->report, writing->sink.offset_bytes,
			writing->ticket->image.stream_bytes, "writing the image");
}

static int part_add(void *context, const void *data, size_t length, struct err *err)
{
	struct writing *writing = context;
	int r = stream_writer_feed(writing->writer, data, length, err);

	tell(writing);
	return r;
}

/* Until all bytes are there, or none came for too long. */
static int source_read(struct writing *writing, const struct fetch_server *server, const char *url,
		       double seconds, struct err *err)
{
	uint64_t total = writing->ticket->image.stream_bytes, before = 0;
	struct patience patience = patience_begin(seconds);
	int r = 0;

	while (writing->sink.offset_bytes < total) {
		before = writing->sink.offset_bytes;
		r = fetch_server_stream(server, url, &writing->sink, err);
		if (r == 0 && writing->sink.offset_bytes < total)
			r = err_set(err, -EAGAIN, "%s: the image ended too early", server->name);
		if (r == 0)
			break;
		if (r != -EAGAIN)
			return r;
		if (writing->sink.offset_bytes > before)
			patience = patience_begin(seconds);
		report_say(writing->report, "%s: trying again: %s", server->name,
			   err && err->text ? err->text : "");
		if (!patience_wait(&patience))
			return r;
	}
	if (err)
		err_clear(err);
	return 0;
}

/* From the beginning: what one source sent is not mixed with what another does. */
static int source_begin(const struct ticket *ticket, const struct fetch_server *server,
			const char *url, double seconds, int disk, struct report *report,
			struct err *err)
{
	CLEANUP(stream_writer_cleanup) struct stream_writer *writer = NULL;
	int r = stream_writer_new(disk, ticket->image.disk_bytes, &writer, err);

	if (r < 0)
		return r;
	struct writing writing = { .ticket = ticket, .report = report, .writer = writer };
	writing.sink = (struct fetch_sink){ .add = part_add, .context = &writing };
	stream_writer_on_wait(writer, tell, &writing);
	r = source_read(&writing, server, url, seconds, err);
	if (r < 0)
		return r;
	report_say(report, "the image is here; the disk writes what is left");
	r = stream_writer_end(writer, ticket->image.sha256, err);
	return r < 0 ? err_wrap(err, r, "%s", server->name) : 0;
}

static int source_write(const struct ticket *ticket, const struct fetch_server *server,
			const char *url, double seconds, int disk, struct report *report,
			struct err *err)
{
	int r = -ERANGE;

	for (int i = 0; r == -ERANGE && i < BEGINNINGS; i++)
		r = source_begin(ticket, server, url, seconds, disk, report, err);
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
	const struct fetch_server own = { "the lab's server", ca_path };
	CLEANUP(free_cleanup) char *url = lab_call_url(call, "image");

	for (size_t i = 0; i < ticket->mirrors.count; i++) {
		CLEANUP(err_clear) struct err failure = { 0 };
		CLEANUP(free_cleanup) char *name = str_format("mirror %zu", i + 1);
		const struct fetch_server mirror = { name, ca_path };
		int r = source_write(ticket, &mirror, ticket->mirrors.items[i], MIRROR_PATIENCE,
				     disk, report, &failure);

		if (r == 0)
			return 0;
		if (is_disk_failure(r))
			return err_set(err, r, "%s", failure.text);
		report_say(report, "%s is given up: %s", name, failure.text);
	}
	return source_write(ticket, &own, url, SERVER_PATIENCE, disk, report, err);
}
