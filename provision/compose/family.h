/* What differs between OS families in the files of a layer's own, one file a family. */
#pragma once
#include "compose/system.h"

struct family_files {
	enum os_family_id id;
	const char *unit_folder;   /* where its packages' systemd units lie */
	const char *ssh_unit;	   /* of sshd, for what is said to it */
	const char *initrd_prefix; /* of an initramfs in /boot; the kernel's version follows */
	const char *grub2_folder;  /* where its GRUB 2 has its menu */
	const char *distributor;   /* what GRUB makes its titles from; NULL: the title */
	char *(*title)(const struct layer *layer); /* in boot menus; the caller frees */
	/* Locale, keyboard, time zone. */
	void (*settings)(const struct layer *layer, struct overlay *overlay);
	/* Where the layer's own package manager looks. */
	void (*sources)(const struct layer *layer, struct overlay *overlay);
	/* Address or bridge, and the services that they need. */
	int (*network)(const struct layer *layer, struct overlay *overlay, struct err *err);
	/* sshd, and what else has to start in every layer. NULL: the base tree starts it. */
	void (*services)(const struct layer *layer, struct overlay *overlay);
	/* What a Xen host starts before its agent starts guests. */
	int (*xen)(const struct boot_names *names, struct overlay *overlay, struct err *err);
};

extern const struct family_files debian_files;
extern const struct family_files suse_files;

/* Of a family whose layers are made directly from packages; never NULL. */
const struct family_files *family_files_of(enum os_family_id id);

/* /etc/localtime. */
void time_zone_overlay(const struct layer *layer, struct overlay *overlay);
