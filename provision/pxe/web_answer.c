/* An answer as libmicrohttpd sends it: texts, files and parts of files, streams.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "pxe/web_mhd.h"
#include "pxe/web_text.h"

/* Read at a time where TLS keeps the kernel from sending a file by itself. */
#define FILE_BLOCK_BYTES   (64u << 10)
#define STREAM_BLOCK_BYTES (8u << 10)
/* What is no longer goes out in one piece with its header: one system call, one packet. */
#define SMALL_FILE_BYTES (16u << 10)

static void field_set(struct MHD_Response *response, const char *name, const char *value)
{
	MHD_add_response_header(response, name, value);
}

static void fields_set(struct exchange *exchange, struct MHD_Response *response)
{
	const struct http_answer *answer = &exchange->answer;
	const struct http_pair *pair = exchange->http->listener->fields;

	for (; pair && pair->name; pair++)
		field_set(response, pair->name, pair->value);
	if (answer->type)
		field_set(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	if (answer->no_store)
		field_set(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (answer->allow)
		field_set(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
}

static enum MHD_Result response_queue(struct exchange *exchange, struct MHD_Connection *mhd,
				      struct MHD_Response *response)
{
	if (!response)
		return MHD_NO;
	fields_set(exchange, response);
	enum MHD_Result queued = MHD_queue_response(mhd, exchange->answer.status, response);
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result text_send(struct exchange *exchange, struct MHD_Connection *mhd)
{
	struct http_answer *answer = &exchange->answer;
	char *text = answer->text ? take(&answer->text) : str_copy("");
	struct MHD_Response *response =
		MHD_create_response_from_buffer(answer->length, text, MHD_RESPMEM_MUST_FREE);

	if (!response)
		free(text);
	return response_queue(exchange, mhd, response);
}

/* ---- files ---- */

struct part {
	int fd;
	uint64_t first;
};

static ssize_t part_read(void *context, uint64_t position, char *buffer, size_t size)
{
	const struct part *part = context;
	ssize_t length = fd_pread_all(part->fd, buffer, size, part->first + position);

	if (length <= 0)
		return MHD_CONTENT_READER_END_WITH_ERROR; /* it became shorter, or the disk is bad
							   */
	return length;
}

static void part_free(void *context)
{
	struct part *part = context;

	close(part->fd);
	free(part);
}

static struct MHD_Response *small_response(int fd, uint64_t first, size_t length)
{
	char *bytes = mem_alloc(length);
	struct MHD_Response *response = NULL;

	if (fd_pread_all(fd, bytes, length, first) == (ssize_t)length)
		response = MHD_create_response_from_buffer(length, bytes, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(bytes);
	close(fd);
	return response;
}

static struct MHD_Response *part_response(int fd, uint64_t first, uint64_t length, bool encrypted)
{
	struct MHD_Response *response;

	if (length > 0 && length <= SMALL_FILE_BYTES)
		return small_response(fd, first, (size_t)length);
	if (!encrypted || length == 0) {
		response = MHD_create_response_from_fd_at_offset64(length, fd, first);
		if (!response)
			close(fd);
		return response;
	}
	struct part *part = mem_alloc(sizeof *part);
	*part = (struct part){ .fd = fd, .first = first };
	response = MHD_create_response_from_callback(length, FILE_BLOCK_BYTES, part_read, part,
						     part_free);
	if (!response)
		part_free(part);
	return response;
}

/* Two files with one tag would be one file's bytes behind another's in a download that went on. */
static void etag_make(const struct stat *status, char ret_hex[HASH_HEX_LENGTH + 1])
{
	struct hash *hash = hash_new();
	const uint64_t facts[] = { status->st_dev, status->st_ino, (uint64_t)status->st_size,
				   (uint64_t)status->st_mtim.tv_sec,
				   (uint64_t)status->st_mtim.tv_nsec };

	hash_add(hash, facts, sizeof facts);
	hash_finish_hex(hash, ret_hex);
}

static enum MHD_Result line_send(struct exchange *exchange, struct MHD_Connection *mhd,
				 unsigned status, const char *line)
{
	http_answer_done(&exchange->answer);
	http_answer_line(&exchange->answer, status, line);
	return text_send(exchange, mhd);
}

static enum MHD_Result beyond_send(struct exchange *exchange, struct MHD_Connection *mhd,
				   uint64_t size)
{
	char *line = str_format("the file has %" PRIu64 " bytes\n", size);
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(line), line, MHD_RESPMEM_MUST_FREE);
	char range[64];

	if (!response) {
		free(line);
		return MHD_NO;
	}
	snprintf(range, sizeof range, "bytes */%" PRIu64, size);
	field_set(response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	exchange->answer.status = MHD_HTTP_RANGE_NOT_SATISFIABLE;
	exchange->answer.type = "text/plain; charset=utf-8";
	return response_queue(exchange, mhd, response);
}

/* The range that is to be heeded: none if the file is another by now than the one that the client
 * has the beginning of. */
static const char *range_wanted(struct MHD_Connection *mhd, const char *etag)
{
	const char *condition = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "If-Range");

	if (condition && !web_etag_is(condition, etag))
		return NULL;
	return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Range");
}

static bool is_known(struct MHD_Connection *mhd, const char *etag)
{
	const char *known = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "If-None-Match");

	return known && web_etag_listed(known, etag);
}

static enum MHD_Result file_send(struct exchange *exchange, struct MHD_Connection *mhd)
{
	struct http_answer *answer = &exchange->answer;
	uint64_t first, length;
	struct stat status;
	char quoted[HASH_HEX_LENGTH + 3], text[96];

	if (fstat(answer->fd, &status) < 0 || !S_ISREG(status.st_mode))
		return line_send(exchange, mhd, 404, "there is no such file");
	if (!answer->etag[0])
		etag_make(&status, answer->etag);
	if (is_known(mhd, answer->etag))
		answer->status = MHD_HTTP_NOT_MODIFIED;
	uint64_t size = (uint64_t)status.st_size;
	enum web_range range = web_range_parse(
		answer->status == MHD_HTTP_NOT_MODIFIED ? NULL : range_wanted(mhd, answer->etag),
		size, &first, &length);
	if (range == WEB_RANGE_BEYOND)
		return beyond_send(exchange, mhd, size);
	struct MHD_Response *response = part_response(fd_take(&answer->fd), first, length,
						      exchange->http->listener->key != NULL);
	if (!response)
		return MHD_NO;
	snprintf(quoted, sizeof quoted, "\"%s\"", answer->etag);
	field_set(response, MHD_HTTP_HEADER_ETAG, quoted);
	field_set(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	if (range == WEB_RANGE_PART) {
		answer->status = MHD_HTTP_PARTIAL_CONTENT;
		snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
			 first + length - 1, size);
		field_set(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
	}
	return response_queue(exchange, mhd, response);
}

/* ---- streams ---- */

struct stream {
	struct connection *connection;
	struct http_stream source;
};

static ssize_t stream_read(void *context, uint64_t position, char *buffer, size_t size)
{
	struct stream *stream = context;

	(void)position;
	return web_watch_read(stream->connection, &stream->source, buffer, size);
}

static void stream_free(void *context)
{
	struct stream *stream = context;

	stream->source.end(stream->source.context);
	free(stream);
}

static enum MHD_Result stream_send(struct exchange *exchange, struct MHD_Connection *mhd)
{
	struct stream *stream = mem_alloc(sizeof *stream);

	stream->connection = connection_of(mhd);
	stream->source = exchange->answer.stream;
	exchange->answer.stream = (struct http_stream){ 0 };
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, stream_read, stream, stream_free);
	if (!response)
		stream_free(stream);
	return response_queue(exchange, mhd, response);
}

enum MHD_Result answer_send(struct exchange *exchange, struct MHD_Connection *mhd)
{
	const struct http_answer *answer = &exchange->answer;

	if (answer->stream.read)
		return stream_send(exchange, mhd);
	if (answer->fd >= 0)
		return file_send(exchange, mhd);
	return text_send(exchange, mhd);
}
