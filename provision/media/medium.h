/* Installation media: what an ISO image is, and what is taken from it. The image is read where it
 * lies: no mount, no root. Its content is hostile until it was checked. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "profile/stack.h"

struct medium {
	char *path;  /* of the image */
	char *label; /* ISO 9660 volume label */
	enum os_family_id family;
	char *product; /* "SUSE Linux Enterprise Server" */
	char *version; /* "11.4", "8.9", "12.5" */
	char *kernel;  /* path inside the medium */
	char *initrd;  /* likewise; "" for ESXi */
	bool is_image; /* a machine can have it as its CD-ROM */
};

/* Recognizes product and version. -EBADMSG: cut short, or no medium that is known (the message says
 * what was looked for). medium_free it. */
int medium_open(const char *path, struct medium **ret_medium, struct err *err);
void medium_free(struct medium *medium);
void medium_cleanup(struct medium **medium);

/* One file of the medium, atomically. -ENOENT: it has none of that name. */
int medium_extract(const struct medium *medium, const char *name, const char *to, struct err *err);

/* A file that is given to the installer. Borrowed. It may hold a secret: what is made with it below
 * has mode 0600, and lies where it is made, half-made too. */
struct medium_file {
	const char *name; /* "autoinst.xml" */
	const void *data;
	size_t length;
	uint32_t mode; /* permission bits */
};

/* Writes a copy of an initrd with a second cpio archive behind it that has the files at its root;
 * the kernel unpacks both. */
int initrd_append(const char *initrd, const struct medium_file *files, size_t count, const char *to,
		  struct err *err);
/* A small FAT disk image with that label and the files, for installers that look for one. */
int answer_disk_make(const char *path, const char *label, const struct medium_file *files,
		     size_t count, struct err *err);
/* A bootable copy of an ESXi medium with KS.CFG and both BOOT.CFG edited (xorriso); kernel_args: ""
 * or what its kernel is told besides. */
int esxi_medium_make(const struct medium *medium, const struct medium_file *kickstart,
		     const char *kernel_args, const char *to, struct err *err);

/* The medium of a layer as a local file: the path itself, or a URL that was fetched into folder and
 * checked by SHA-256, as a path's is where the profile has one. The caller frees *ret_path.
 * -EBADMSG: other bytes than the checksum's. -ENOENT: the path is not there, or with offline what
 * the URL names. */
int medium_fetch(const struct install_spec *install, const char *folder, bool offline,
		 char **ret_path, struct err *err);
