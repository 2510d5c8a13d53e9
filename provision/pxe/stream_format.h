/* Streams of disk images, by libzstd. What is in the zstd frame, all numbers little endian:
 *
 *	magic		16 bytes
 *	disk_bytes	64 bits
 *	records		offset 64 bits, length 64 bits, then the bytes; in the order of the disk
 *	the head	a record at offset 0 with the first MiB, which ends the stream
 *
 * A format of our own, because a tar with a sparse member, by libarchive, is not simpler here: its
 * map must be known before the first byte of data, so that an image is read twice; it is pulled
 * where the network pushes, which takes a thread in between; and a hostile map grows in memory
 * without a limit. Nothing in here grows.
 */
#pragma once
#include <stdint.h>

#define STREAM_MAGIC	    "nestctl disk 1\n\0" /* 16 bytes with the NUL that ends it */
#define STREAM_MAGIC_BYTES  16
#define STREAM_HEADER_BYTES 24
#define STREAM_RECORD_BYTES 16
#define STREAM_HEAD_MAX	    (UINT64_C(1) << 20)
#define STREAM_WINDOW_LOG   21 /* 2 MiB: bounds the memory of who reads it */

/* Of the first part of a disk, which comes last. */
static inline uint64_t stream_head_bytes(uint64_t disk_bytes)
{
	return disk_bytes < STREAM_HEAD_MAX ? disk_bytes : STREAM_HEAD_MAX;
}
