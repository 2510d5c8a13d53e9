/* What a layer has on top of its base tree: files and links, in memory, in a fixed order. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

struct volumes;

struct overlay_entry {
	char *path; /* absolute */
	char *data; /* a file's content, or where a link points */
	size_t length;
	uint32_t mode; /* of a file; 0: a symbolic link */
};

/* A zeroed struct is an empty one. A second entry for a path replaces the first. */
struct overlay {
	struct overlay_entry *entries;
	size_t count;
};

/* A file with the permission bits of mode. What is given is copied. */
void overlay_file(struct overlay *overlay, const char *path, const void *data, size_t length,
		  uint32_t mode);
void overlay_text(struct overlay *overlay, const char *path, uint32_t mode, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* At the end of a text that is there, with its mode. */
void overlay_append(struct overlay *overlay, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void overlay_link(struct overlay *overlay, const char *path, const char *target);
void overlay_done(struct overlay *overlay);

/* Adds all of it to the hash, in its order. */
void overlay_hash(const struct overlay *overlay, struct hash *hash);
/* Puts everything into the layer's file systems; files belong to root. */
int overlay_apply(const struct overlay *overlay, struct volumes *volumes, struct err *err);
