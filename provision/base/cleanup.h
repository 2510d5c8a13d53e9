/* Scope cleanup: one owner for every resource, released when its scope ends.
 * CLEANUP(fn) on a local calls fn(&local); take(&local) hands the resource on. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hands over a pointer: the local becomes NULL and its cleanup finds nothing. */
#define take(pointer)                                                                              \
	__extension__({                                                                            \
		__typeof__(pointer) from_ = (pointer);                                             \
		__typeof__(*from_) taken_ = *from_;                                                \
		*from_ = NULL;                                                                     \
		taken_;                                                                            \
	})

static inline void free_cleanup(void *pointer)
{
	free(*(void **)pointer);
}

static inline void fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Hands over a file descriptor: the local becomes -1. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void file_cleanup(FILE **file)
{
	if (*file)
		fclose(*file);
}
