/* Initramfs images: a handful of files as an uncompressed newc cpio archive: what is not
 * compressed need not be unpacked by an emulated CPU. By libarchive. */
#pragma once
#include "compose/boot_source.h"
#include "compose/overlay.h"

/* The archive: busybox, the modules (/lib/modules/FILE) and their list in the order of loading
 * (/etc/modules), then the entries of extra, its /init among them. Times are 0, everything belongs
 * to root. The caller frees *ret_data. */
int initramfs_make(const struct boot_source *source, const struct overlay *extra, char **ret_data,
		   size_t *ret_length, struct err *err);
