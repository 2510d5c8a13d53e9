/* Archives in front of the last are walked by hand, since libarchive ends with the first trailer;
 * the last is libarchive's. Form: Linux Documentation/driver-api/early-userspace/buffer-format.rst.
 */
#include "fix/cpio.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/archive.h"
#include "base/str.h"

#define HEAD_BYTES	110
#define FIELD_DIGITS	8
#define FILESIZE_AT	54
#define NAMESIZE_AT	94
#define NAME_MAX_LENGTH 4096
#define TRAILER		"TRAILER!!!"

struct names {
	void (*each)(void *context, const char *path);
	void *context;
};

static bool hex_field(const char *head, size_t at, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (size_t i = 0; i < FIELD_DIGITS; i++) {
		const char *digit = strchr("00112233445566778899aAbBcCdDeEfF", head[at + i]);

		if (!head[at + i] || !digit)
			return false;
		value = value * 16 + (uint64_t)(digit - "00112233445566778899aAbBcCdDeEfF") / 2;
	}
	*ret_value = value;
	return true;
}

static size_t round_up(size_t value)
{
	return (value + 3) & ~(size_t)3;
}

/* One member: its name is handed on; ret_length is what it takes with its padding. */
static int member_walk(const char *data, size_t length, const struct names *names,
		       size_t *ret_length, bool *ret_last, struct err *err)
{
	uint64_t name_bytes, file_bytes;

	if (length < HEAD_BYTES ||
	    (memcmp(data, "070701", 6) != 0 && memcmp(data, "070702", 6) != 0) ||
	    !hex_field(data, NAMESIZE_AT, &name_bytes) ||
	    !hex_field(data, FILESIZE_AT, &file_bytes) || name_bytes == 0 ||
	    name_bytes > NAME_MAX_LENGTH || name_bytes > length - HEAD_BYTES ||
	    data[HEAD_BYTES + name_bytes - 1] != '\0')
		return err_set(err, -EBADMSG, "a cpio archive in it is damaged");
	size_t start = round_up(HEAD_BYTES + (size_t)name_bytes);
	if (start > length || file_bytes > length - start)
		return err_set(err, -EBADMSG, "it is cut short");
	*ret_last = strcmp(data + HEAD_BYTES, TRAILER) == 0;
	if (!*ret_last)
		names->each(names->context, data + HEAD_BYTES);
	size_t whole = round_up(start + (size_t)file_bytes);
	*ret_length = whole < length ? whole : length;
	return 0;
}

static int last_walk(const void *data, size_t length, const struct names *names, struct err *err)
{
	CLEANUP(archive_cleanup) struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	int r;

	archive_read_support_filter_all(archive);
	archive_read_support_format_cpio(archive);
	r = archive_read_open_memory(archive, data, length);
	while (r == ARCHIVE_OK || r == ARCHIVE_WARN) {
		r = archive_read_next_header(archive, &entry);
		if ((r == ARCHIVE_OK || r == ARCHIVE_WARN) && archive_entry_pathname(entry))
			names->each(names->context, archive_entry_pathname(entry));
	}
	if (r == ARCHIVE_EOF)
		return 0;
	return err_set(err, -EBADMSG, "it is damaged or no cpio archive: %s",
		       archive_error_string(archive));
}

int cpio_each_name(const void *data, size_t length, void (*each)(void *context, const char *path),
		   void *context, struct err *err)
{
	const struct names names = { each, context };
	const char *next = data, *end = next + length;

	while (next < end) {
		bool last = false;

		if (*next == '\0') { /* padding between archives */
			next++;
			continue;
		}
		if (end - next < 6 || memcmp(next, "07070", 5) != 0)
			return last_walk(next, (size_t)(end - next), &names, err);
		while (!last) {
			size_t used = 0;
			int r = member_walk(next, (size_t)(end - next), &names, &used, &last, err);

			if (r < 0)
				return r;
			next += used;
		}
	}
	return 0;
}
