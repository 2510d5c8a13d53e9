/* By libarchive, whose own checks refuse names that lead out and files behind symbolic links. */
#include "media/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"

#define READ_BYTES	  ((size_t)1 << 20)
#define ENTRIES_MAX	  200000
#define ARCHIVE_BYTES_MAX ((uint64_t)16 << 30) /* out of a compressed archive */
#define IMAGE_FACTOR	  4		       /* over its own size: some hold compressed files */

#define RULES                                                                                      \
	(ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT |                       \
	 ARCHIVE_EXTRACT_NO_OVERWRITE | ARCHIVE_EXTRACT_PERM)

struct unpacking {
	const char *path;   /* of the medium */
	const char *folder; /* without a symbolic link in its path */
	struct archive *from, *to;
	uint64_t bytes, bytes_max;
	size_t entries;
};

static void unpacking_done(struct unpacking *unpacking)
{
	if (unpacking->from)
		archive_read_free(unpacking->from);
	if (unpacking->to)
		archive_write_free(unpacking->to);
}

static int failed(const struct unpacking *unpacking, struct archive *archive, struct err *err)
{
	const char *text = archive_error_string(archive);
	int number = archive_errno(archive);

	if (number == ENOSPC || number == EDQUOT || number == EIO)
		return err_errno(err, number, "%s: cannot be unpacked into %s", unpacking->path,
				 unpacking->folder);
	return err_set(err, -EBADMSG, "%s: cannot be unpacked: %s", unpacking->path,
		       text ? text : "it is damaged");
}

static int too_much(const struct unpacking *unpacking, struct err *err)
{
	return err_set(err, -EBADMSG, "%s: has more in it than a medium can have: do not use it",
		       unpacking->path);
}

static int data_copy(struct unpacking *unpacking, struct err *err)
{
	const void *data;
	size_t length;
	la_int64_t offset;
	int status;

	while ((status = archive_read_data_block(unpacking->from, &data, &length, &offset)) !=
	       ARCHIVE_EOF) {
		if (status < ARCHIVE_WARN)
			return failed(unpacking, unpacking->from, err);
		unpacking->bytes += length;
		/* A hole takes no room, but whoever is handed the file gets all of it. */
		if (unpacking->bytes > unpacking->bytes_max || offset < 0 ||
		    (uint64_t)offset > unpacking->bytes_max)
			return too_much(unpacking, err);
		if (archive_write_data_block(unpacking->to, data, length, offset) < ARCHIVE_WARN)
			return failed(unpacking, unpacking->to, err);
	}
	return 0;
}

static const char *below(const char *name)
{
	while (name[0] == '/' || (name[0] == '.' && (name[1] == '/' || name[1] == '\0')))
		name++;
	return name;
}

/* True if it is to be made: its names are below our folder then, and its mode one of ours. */
static bool entry_place(const struct unpacking *unpacking, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);
	const char *link = archive_entry_hardlink(entry);
	mode_t type = archive_entry_filetype(entry);
	bool folder = type == AE_IFDIR;

	if (!name || !*below(name) ||
	    (!link && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK))
		return false;
	CLEANUP(free_cleanup) char *path = path_join(unpacking->folder, below(name));
	if (link) {
		CLEANUP(free_cleanup) char *same = path_join(unpacking->folder, below(link));
		archive_entry_set_hardlink(entry, same);
	}
	archive_entry_set_pathname(entry, path);
	if (type != AE_IFLNK)
		archive_entry_set_perm(entry, folder ? 0755 : 0644);
	return true;
}

static int entry_unpack(struct unpacking *unpacking, struct archive_entry *entry, struct err *err)
{
	if (++unpacking->entries > ENTRIES_MAX)
		return too_much(unpacking, err);
	if (!entry_place(unpacking, entry))
		return 0;
	if (archive_entry_size(entry) > (la_int64_t)unpacking->bytes_max)
		return too_much(unpacking, err);
	if (archive_write_header(unpacking->to, entry) < ARCHIVE_WARN)
		return failed(unpacking, unpacking->to, err);
	int r = data_copy(unpacking, err);
	if (r == 0 && archive_write_finish_entry(unpacking->to) < ARCHIVE_WARN)
		r = failed(unpacking, unpacking->to, err);
	return r;
}

static int archives_open(struct unpacking *unpacking, bool image, struct err *err)
{
	unpacking->from = archive_read_new();
	unpacking->to = archive_write_disk_new();
	if (image) {
		archive_read_support_format_iso9660(unpacking->from);
	} else {
		archive_read_support_filter_gzip(unpacking->from);
		archive_read_support_format_tar(unpacking->from);
	}
	archive_write_disk_set_options(unpacking->to, RULES);
	if (archive_read_open_filename(unpacking->from, unpacking->path, READ_BYTES) != ARCHIVE_OK)
		return failed(unpacking, unpacking->from, err);
	return 0;
}

static int all_unpack(struct unpacking *unpacking, struct err *err)
{
	struct archive_entry *entry;
	int r = 0, status = ARCHIVE_EOF;

	while (r == 0 &&
	       (status = archive_read_next_header(unpacking->from, &entry)) != ARCHIVE_EOF)
		r = status < ARCHIVE_WARN ? failed(unpacking, unpacking->from, err)
					  : entry_unpack(unpacking, entry, err);
	if (r == 0 && archive_write_close(unpacking->to) < ARCHIVE_WARN)
		r = failed(unpacking, unpacking->to, err);
	return r;
}

int medium_unpack(const struct contents *contents, const char *folder, struct err *err)
{
	CLEANUP(unpacking_done)
	struct unpacking unpacking = { .path = contents_path(contents),
				       .bytes_max = ARCHIVE_BYTES_MAX };
	CLEANUP(free_cleanup) char *real = NULL;
	struct stat status;

	if (mkdir(folder, 0755) < 0)
		return err_errno(err, errno, "%s: the folder cannot be made", folder);
	real = realpath(folder, NULL);
	if (!real || stat(unpacking.path, &status) < 0)
		return err_errno(err, errno, "%s: cannot be unpacked into %s", unpacking.path,
				 folder);
	unpacking.folder = real;
	if (contents_is_image(contents))
		unpacking.bytes_max = (uint64_t)status.st_size * IMAGE_FACTOR;
	int r = archives_open(&unpacking, contents_is_image(contents), err);
	return r < 0 ? r : all_unpack(&unpacking, err);
}
