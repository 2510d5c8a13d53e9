/* A second cpio archive behind an initrd. The kernel skips zeros between the two; the second must
 * begin at a multiple of 4. Source: Linux Documentation/driver-api/early-userspace/
 * buffer-format.rst and init/initramfs.c. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "image/cpio_pack.h"
#include "media/medium.h"

#define ALIGNMENT 4

static int archive_make(const struct medium_file *files, size_t count, char **ret_data,
			size_t *ret_length, struct err *err)
{
	CLEANUP(cpio_pack_cleanup) struct cpio_pack *pack = NULL;
	int r = cpio_pack_new("the answer file", CPIO_PLAIN, &pack, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (strchr(files[i].name, '/'))
			return err_set(err, -EINVAL, "%s: is no name at the root of an initrd",
				       files[i].name);
		r = cpio_pack_add(pack, files[i].name, S_IFREG | (files[i].mode & 07777),
				  files[i].data, files[i].length, err);
	}
	return r < 0 ? r : cpio_pack_end(pack, ret_data, ret_length, err);
}

int initrd_append(const char *initrd, const struct medium_file *files, size_t count, const char *to,
		  struct err *err)
{
	CLEANUP(temp_done) struct temp temp = TEMP_INIT;
	CLEANUP(free_cleanup) char *data = NULL;
	CLEANUP(fd_cleanup) int from = open(initrd, O_RDONLY | O_CLOEXEC);
	struct stat status;
	size_t length = 0;

	if (from < 0 || fstat(from, &status) < 0)
		return err_errno(err, errno, "%s: cannot be opened", initrd);
	if (!S_ISREG(status.st_mode) || status.st_size == 0)
		return err_set(err, -EBADMSG, "%s: is no initrd: it is %s", initrd,
			       S_ISREG(status.st_mode) ? "empty" : "no file");
	int r = archive_make(files, count, &data, &length, err);
	if (r == 0)
		r = temp_open(&temp, to, 0600, err);
	if (r == 0)
		r = file_copy_sparse(from, temp.fd, err);
	if (r < 0)
		return r;
	uint64_t start = ((uint64_t)status.st_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	r = fd_pwrite_all(temp.fd, data, length, start);
	return r < 0 ? err_errno(err, -r, "%s: cannot be written", to) : temp_publish(&temp, err);
}
