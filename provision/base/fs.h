/* Files and folders: whole-file reads, atomic writes, temporary names that vanish on failure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/* "a/b" from "a" and "b"; an absolute b wins. The caller frees. */
char *path_join(const char *folder, const char *name);
/* The folder part, "." if there is none; the caller frees. */
char *path_folder(const char *path);
/* The last component, inside path. */
const char *path_name(const char *path);

/* 0 if it is a regular file (behind symlinks), else -EISDIR, -EINVAL or the errno of stat: opening
 * a pipe would wait for its writer. */
int file_check_regular(const char *path);

/* Reads a regular file of at most max_bytes; ret_text is NUL-terminated, the caller frees.
 * -EFBIG for a larger one, else the errno of open or read. ret_length may be NULL. */
int file_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_length,
	      struct err *err);

/* Writes, fsyncs and renames, so that readers see the old file or the new one, nothing between.
 * The folder is fsynced too. */
int file_write(const char *path, const void *data, size_t length, mode_t mode, struct err *err);

/* The same for a path that a person names: a link stays and leads to the new file; a device or a
 * pipe (/dev/null) is written to, not replaced. */
int file_write_out(const char *path, const void *data, size_t length, mode_t mode, struct err *err);
/* Whether that can be, as far as it can be told before: the errno of access, or EISDIR. */
int file_check_out(const char *path, struct err *err);

/* Fills the places of standard input, output and error that are closed, so that no file that is
 * opened gets one of them: reading or writing there goes on failing. The errno of open. */
int fd_fill_standard(struct err *err);

/* All of the buffer, through short writes and EINTR. Returns 0 or a negative errno. */
int fd_write_all(int fd, const void *data, size_t length);
/* All of it at an offset in bytes. */
int fd_pwrite_all(int fd, const void *data, size_t length, uint64_t offset);
/* Up to length bytes from an offset; less only at the end of the file. Count or negative errno. */
ssize_t fd_pread_all(int fd, void *data, size_t length, uint64_t offset);

/* Gives a new file the owner and group of another one. What the file system cannot keep (vfat) is
 * as it was there already. -EPERM: only root could. */
int fd_keep_owner(int fd, uid_t owner, gid_t group);

/* Makes that part of a file or disk read as zeros, as a hole or by a command of the disk where
 * there is one; else what is zero already is left alone and the rest written. 0 or a negative
 * errno. */
int fd_zero(int fd, uint64_t offset, uint64_t length);

/* Something is there, behind symlinks; false too where it may not be looked. */
bool path_exists(const char *path);
/* Makes the folder and what is missing above it, and syncs their names: what is published in it
 * would go with it. */
int dir_make(const char *path, mode_t mode, struct err *err);
/* fsync of a folder, so that a rename in it lasts. */
int dir_sync(const char *path, struct err *err);
/* Removes a tree without following symlinks; what is not there is no error. */
int tree_remove(const char *path, struct err *err);
/* Blocks on the disk, in bytes: what a sparse file really takes. 0 if it cannot be seen. */
uint64_t file_allocated_bytes(const char *path);

/* A file that gets its name only when it is whole. TEMP_INIT, then temp_open; write to fd;
 * temp_publish. temp_done without publish removes it. The name is PATH.tmp-PID. */
struct temp {
	int fd;
	char *path;
	char *final_path;
};

#define TEMP_INIT                                                                                  \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Open to read and write. temp_done it, after a failure too. -EINVAL where a device or a pipe has
 * the name: it is not ours to replace. */
int temp_open(struct temp *temp, const char *final_path, mode_t mode, struct err *err);
int temp_publish(struct temp *temp, struct err *err); /* fsync, rename, fsync of the folder */
void temp_done(struct temp *temp);
/* Removes what temp_open made in a folder for processes that were killed. The caller holds the
 * folder's lock: nobody else writes there. A folder that is not there is no error. */
void temps_remove(const char *folder);

/* A new folder of our own below base (or TMPDIR, /tmp if base is NULL), mode 0700. tree_remove
 * it. What a process that was killed left there goes, an hour later. The caller frees the path. */
int temp_dir(const char *base, char **ret_path, struct err *err);

/* Copies the data of a file, holes left as holes: reflink where the file system has it, else
 * copy_file_range over SEEK_DATA runs. Both are open; to must be empty. */
int file_copy_sparse(int from, int to, struct err *err);
/* The same to a new file at a path where nothing is; after a failure nothing is there either. */
int file_copy_new(const char *from, const char *to, mode_t mode, struct err *err);
