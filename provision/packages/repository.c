#include "packages/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/archive.h"
#include "base/fs.h"
#include "base/str.h"
#include "store/packages.h"

#define READ_BYTES 65536

/* Of a package as deb(5) has it. */
struct member {
	const char *name;
	bool any_extension; /* ".gz", ".xz", ... or none */
	size_t max_bytes;
};

static const struct member control_tar = { "control.tar", true, (size_t)64 << 20 };
static const struct member control_file = { "control", false, (size_t)1 << 20 };

static int archive_error(struct archive *archive, const char *path, struct err *err)
{
	const char *why = archive_error_string(archive);

	return err_set(err, -EBADMSG, "%s: is no sound package: %s", path,
		       why ? why : "it ends too early");
}

/* The data of the entry that the archive stands at. */
static int entry_read(struct archive *archive, size_t max_bytes, const char *path, struct buf *data,
		      struct err *err)
{
	char chunk[READ_BYTES];
	la_ssize_t got;

	while ((got = archive_read_data(archive, chunk, sizeof chunk)) > 0) {
		buf_add(data, chunk, (size_t)got);
		if (data->length > max_bytes)
			return err_set(err, -EBADMSG, "%s: its description is too large", path);
	}
	return got < 0 ? archive_error(archive, path, err) : 0;
}

static bool is_member(const struct member *member, const char *name)
{
	size_t length = strlen(member->name);

	if (str_starts(name, "./"))
		name += 2;
	return str_starts(name, member->name) &&
	       (!name[length] || (member->any_extension && name[length] == '.'));
}

/* data is empty if there is none. ret_seconds: its time. */
static int member_read(struct archive *archive, const struct member *member, const char *path,
		       struct buf *data, int64_t *ret_seconds, struct err *err)
{
	struct archive_entry *entry;
	int result;

	while ((result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);

		if (!name || !is_member(member, name))
			continue;
		*ret_seconds = archive_entry_mtime(entry);
		return entry_read(archive, member->max_bytes, path, data, err);
	}
	return result == ARCHIVE_EOF ? 0 : archive_error(archive, path, err);
}

/* The control file of a package, an ar archive with control.tar.* in it. ret_seconds: when the
 * package was made. */
static int control_read(const char *path, struct buf *control, int64_t *ret_seconds,
			struct err *err)
{
	CLEANUP(archive_cleanup) struct archive *outer = archive_read_new();
	CLEANUP(archive_cleanup) struct archive *inner = archive_read_new();
	CLEANUP(buf_done) struct buf member = { 0 };

	archive_read_support_format_ar(outer);
	if (archive_read_open_filename(outer, path, READ_BYTES) != ARCHIVE_OK)
		return archive_error(outer, path, err);
	int r = member_read(outer, &control_tar, path, &member, ret_seconds, err);
	if (r < 0)
		return r;
	if (member.length == 0)
		return err_set(err, -EBADMSG, "%s: is no sound package: it has no control.tar",
			       path);
	archive_read_support_filter_all(inner);
	archive_read_support_format_tar(inner);
	if (archive_read_open_memory(inner, member.data, member.length) != ARCHIVE_OK)
		return archive_error(inner, path, err);
	r = member_read(inner, &control_file, path, control, ret_seconds, err);
	if (r == 0 && control->length == 0)
		r = err_set(err, -EBADMSG, "%s: is no sound package: it has no control file", path);
	return r;
}

static int file_copy(const char *from, const char *to, struct err *err)
{
	CLEANUP(fd_cleanup) int in = open(from, O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_cleanup) int out = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (in < 0)
		return err_errno(err, errno, "%s: cannot be read", from);
	if (out < 0)
		return err_errno(err, errno, "%s: cannot be made", to);
	int r = file_copy_sparse(in, out, err);
	return r < 0 ? err_wrap(err, r, "%s", to) : 0;
}

static int package_put(const struct store *store, const struct package *package, const char *folder,
		       struct buf *index, int64_t *newest_seconds, struct err *err)
{
	CLEANUP(free_cleanup) char *from = store_package_path(store, package->sha256);
	CLEANUP(free_cleanup) char *to = str_format("%s/%s.deb", folder, package->sha256);
	CLEANUP(buf_done) struct buf control = { 0 };
	int64_t seconds = 0;
	int r = control_read(from, &control, &seconds, err);

	if (r == 0)
		r = file_copy(from, to, err);
	if (r < 0)
		return r;
	if (seconds > *newest_seconds)
		*newest_seconds = seconds;
	while (control.length > 0 && control.data[control.length - 1] == '\n')
		control.length--;
	buf_add(index, control.data, control.length);
	buf_format(index, "\nFilename: ./%s.deb\nSize: %" PRIu64 "\nSHA256: %s\n\n",
		   package->sha256, package->size_bytes, package->sha256);
	return 0;
}

int repository_make(const struct store *store, const struct package_list *packages,
		    const char *folder, int64_t *ret_newest_seconds, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, "Packages");
	CLEANUP(buf_done) struct buf index = { 0 };
	int64_t newest_seconds = 0;
	int r = dir_make(folder, 0755, err);

	for (size_t i = 0; r == 0 && i < packages->count; i++)
		r = package_put(store, &packages->items[i], folder, &index, &newest_seconds, err);
	*ret_newest_seconds = newest_seconds;
	return r < 0 ? r : file_write(path, buf_str(&index), index.length, 0644, err);
}
