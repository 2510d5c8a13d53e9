/* A root of its own for a program that listens to strangers: it sees the folders that it was given,
 * at their own paths, and nothing else of this machine. A mount namespace, which ends with it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct jail_path {
	const char *path; /* absolute; a file or folder; what is not there is left out */
	bool writable;
};

struct jail {
	const char *folder; /* an empty one, which the new root is mounted on */
	const struct jail_path *paths;
	size_t count;
};

/* In a child between fork and exec, as root: its root becomes the jail. Takes no memory. 0 or a
 * negative errno. */
int jail_enter(const struct jail *jail);
