#include "bundle/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"

#define CHUNK_BYTES ((size_t)1 << 18)

struct pack {
	struct temp temp;
	struct archive *archive;
};

static int pack_error(const struct pack *pack, struct err *err)
{
	const char *why = archive_error_string(pack->archive);
	int number = archive_errno(pack->archive);

	if (number > 0)
		return err_errno(err, number, "%s: cannot be written", pack->temp.final_path);
	return err_set(err, -EIO, "%s: cannot be written: %s", pack->temp.final_path,
		       why ? why : "unknown reason");
}

int pack_open(const char *path, struct pack **ret_pack, struct err *err)
{
	CLEANUP(pack_cleanup) struct pack *pack = mem_alloc(sizeof *pack);

	pack->temp = (struct temp)TEMP_INIT;
	int r = temp_open(&pack->temp, path, 0644, err);
	if (r < 0)
		return r;
	pack->archive = archive_write_new();
	if (archive_write_set_format_pax_restricted(pack->archive) != ARCHIVE_OK ||
	    archive_write_add_filter_zstd(pack->archive) != ARCHIVE_OK ||
	    archive_write_open_fd(pack->archive, pack->temp.fd) != ARCHIVE_OK)
		return pack_error(pack, err);
	*ret_pack = take(&pack);
	return 0;
}

void pack_cleanup(struct pack **pack)
{
	if (!*pack)
		return;
	if ((*pack)->archive)
		archive_write_free((*pack)->archive);
	temp_done(&(*pack)->temp);
	free(take(pack));
}

static int header_write(struct pack *pack, const char *name, mode_t mode, uint64_t bytes,
			struct err *err)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, mode & S_IFMT);
	/* Who unpacks it may read it all; what could be run still can. */
	archive_entry_set_perm(entry, S_ISDIR(mode) || mode & S_IXUSR ? 0755 : 0644);
	archive_entry_set_size(entry, (la_int64_t)bytes);
	archive_entry_set_mtime(entry, 0, 0);
	int result = archive_write_header(pack->archive, entry);
	archive_entry_free(entry);
	return result == ARCHIVE_OK ? 0 : pack_error(pack, err);
}

static int data_write(struct pack *pack, int fd, uint64_t bytes, const char *from, struct err *err)
{
	CLEANUP(free_cleanup) char *chunk = mem_alloc(CHUNK_BYTES);
	uint64_t done = 0;

	while (done < bytes) {
		size_t wanted = bytes - done < CHUNK_BYTES ? (size_t)(bytes - done) : CHUNK_BYTES;
		ssize_t got = fd_pread_all(fd, chunk, wanted, done);

		if (got < 0)
			return err_errno(err, (int)-got, "%s: cannot be read", from);
		if ((size_t)got < wanted)
			return err_set(err, -EIO, "%s: became shorter while it was read", from);
		if (archive_write_data(pack->archive, chunk, wanted) != (la_ssize_t)wanted)
			return pack_error(pack, err);
		done += wanted;
	}
	return 0;
}

int pack_file(struct pack *pack, const char *from, const char *name, struct err *err)
{
	/* A pipe must not hold us up until it is seen that it is no file. */
	CLEANUP(fd_cleanup) int fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_errno(err, errno, "%s: cannot be read", from);
	if (!S_ISREG(status.st_mode))
		return err_set(err, -EINVAL, "%s: is no file", from);
	int r = header_write(pack, name, status.st_mode, (uint64_t)status.st_size, err);
	return r < 0 ? r : data_write(pack, fd, (uint64_t)status.st_size, from, err);
}

static int names_read(const char *folder, struct strv *names, struct err *err)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return err_errno(err, errno, "%s: cannot be read", folder);
	while ((entry = readdir(dir)))
		if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
			strv_add(names, entry->d_name);
	closedir(dir);
	strv_sort(names);
	return 0;
}

int pack_tree(struct pack *pack, const char *from, const char *name, struct err *err)
{
	CLEANUP(strv_done) struct strv names = { 0 };
	struct stat status;
	int r = names_read(from, &names, err);

	if (r == 0)
		r = header_write(pack, name, S_IFDIR, 0, err);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		CLEANUP(free_cleanup) char *inner = path_join(from, names.items[i]);
		CLEANUP(free_cleanup) char *inner_name = path_join(name, names.items[i]);

		if (lstat(inner, &status) < 0)
			r = err_errno(err, errno, "%s: cannot be read", inner);
		else
			r = S_ISDIR(status.st_mode) ? pack_tree(pack, inner, inner_name, err)
						    : pack_file(pack, inner, inner_name, err);
	}
	return r;
}

int pack_publish(struct pack *pack, uint64_t *ret_bytes, struct err *err)
{
	struct stat status;

	if (archive_write_close(pack->archive) != ARCHIVE_OK)
		return pack_error(pack, err);
	if (fstat(pack->temp.fd, &status) < 0)
		return err_errno(err, errno, "%s: cannot be read", pack->temp.path);
	*ret_bytes = (uint64_t)status.st_size;
	return temp_publish(&pack->temp, err);
}
