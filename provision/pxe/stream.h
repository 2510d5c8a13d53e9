/* A disk image as a stream: only what holds data, zstd, in the order of the disk, but for the first
 * MiB, which comes last: a disk on which the stream stopped has no partition table and cannot boot.
 */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

struct stream_facts {
	uint64_t disk_bytes;		  /* size of the image */
	uint64_t stream_bytes;		  /* of the file */
	char sha256[HASH_HEX_LENGTH + 1]; /* of the file */
};

/* Makes the stream of an image at path, under a temporary name first. */
int stream_pack(const char *image, const char *path, struct stream_facts *ret_facts,
		struct err *err);

/* Writing a stream to a disk while it comes. */
struct stream_writer;

/* disk: a descriptor for writing, borrowed; its size is disk_bytes at least. */
int stream_writer_new(int disk, uint64_t disk_bytes, struct stream_writer **ret_writer,
		      struct err *err);
/* Marks the disk as that owner's install that is not finished, with its first MiB (disk_mark.h). */
void stream_writer_mark(struct stream_writer *writer, const char *owner);
/* What is called every few seconds at most while a hole is cleared, which may take minutes. */
void stream_writer_on_wait(struct stream_writer *writer, void (*on_wait)(void *context),
			   void *context);
/* The next bytes of the file; -EBADMSG: they are no stream of such a disk. */
int stream_writer_feed(struct stream_writer *writer, const void *data, size_t length,
		       struct err *err);
/* After the last: compares the hash, then writes the first MiB, syncs. -EBADMSG: cut short, or not
 * the hash: the disk stays without its first MiB. */
int stream_writer_end(struct stream_writer *writer, const char *sha256, struct err *err);
void stream_writer_cleanup(struct stream_writer **writer);
