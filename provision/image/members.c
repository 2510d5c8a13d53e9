#include "image/members.h"

#include <errno.h>
#include <string.h>

#include "base/archive.h"
#include "base/str.h"

/* Small: what is not wanted is skipped by seeking, as far as it was not read with the block before.
 */
#define READ_BLOCK_BYTES (16u << 10)
#define MEMBER_MAX_BYTES (INT64_C(256) << 20)

static int failed(struct archive *archive, const char *path, struct err *err)
{
	return err_set(err, -EBADMSG, "%s: cannot be read as an archive: %s", path,
		       archive_error_string(archive));
}

static const char *plain_path(const char *path)
{
	while (*path == '/' || (path[0] == '.' && path[1] == '/'))
		path += *path == '/' ? 1 : 2;
	return path;
}

void members_add(struct members *members, const char *path, char *data, size_t length)
{
	members->items = mem_grow(members->items, members->count + 1, sizeof *members->items);
	members->items[members->count++] = (struct member){
		.path = str_copy(path),
		.data = data,
		.length = length,
	};
}

static int member_add(struct archive *archive, struct archive_entry *entry,
		      const char *archive_path, struct members *members, struct err *err)
{
	const char *path = plain_path(archive_entry_pathname(entry));
	int64_t length = archive_entry_size(entry);

	if (length < 0 || length > MEMBER_MAX_BYTES)
		return err_set(err, -EFBIG, "%s: %s is too large (%lld bytes)", archive_path, path,
			       (long long)length);
	members_add(members, path, mem_alloc((size_t)length + 1), (size_t)length);
	struct member *member = &members->items[members->count - 1];
	if (archive_read_data(archive, member->data, member->length) != (la_ssize_t)length)
		return failed(archive, archive_path, err);
	return 0;
}

int members_read(const char *archive_path, bool (*wanted)(void *context, const char *path),
		 void *context, struct members *ret_members, struct err *err)
{
	CLEANUP(archive_cleanup) struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	int r;

	archive_read_support_format_tar(archive);
	archive_read_support_filter_all(archive);
	if (archive_read_open_filename(archive, archive_path, READ_BLOCK_BYTES) != ARCHIVE_OK)
		return failed(archive, archive_path, err);
	while ((r = archive_read_next_header(archive, &entry)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) ||
		    !wanted(context, plain_path(archive_entry_pathname(entry))))
			continue;
		int added = member_add(archive, entry, archive_path, ret_members, err);
		if (added < 0)
			return added;
	}
	return r == ARCHIVE_EOF ? 0 : failed(archive, archive_path, err);
}

void members_done(struct members *members)
{
	for (size_t i = 0; i < members->count; i++) {
		free(members->items[i].path);
		free(members->items[i].data);
	}
	free(members->items);
	*members = (struct members){ 0 };
}

const struct member *members_find(const struct members *members, const char *path)
{
	for (size_t i = 0; i < members->count; i++)
		if (str_equal(members->items[i].path, path))
			return &members->items[i];
	return NULL;
}

int member_uncompress(struct member *member, struct err *err)
{
	CLEANUP(archive_cleanup) struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	struct buf whole = { 0 };
	char chunk[65536];
	la_ssize_t got;

	archive_read_support_format_raw(archive);
	archive_read_support_filter_all(archive);
	if (archive_read_open_memory(archive, member->data, member->length) != ARCHIVE_OK ||
	    archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return failed(archive, member->path, err);
	while ((got = archive_read_data(archive, chunk, sizeof chunk)) > 0) {
		buf_add(&whole, chunk, (size_t)got);
		if (whole.length > (size_t)MEMBER_MAX_BYTES)
			break;
	}
	if (got != 0) {
		buf_done(&whole);
		return failed(archive, member->path, err);
	}
	buf_text(&whole, "");
	free(member->data);
	member->data = whole.data;
	member->length = whole.length;
	return 0;
}
