/* Boot loaders: what each asks of machine and disk, and how it gets into an image without running
 * there. One file a loader; the menus are composed elsewhere. */
#pragma once
#include "compose/overlay.h"
#include "image/layout.h"

/* Borrowed bytes. */
struct boot_part {
	const void *data;
	size_t length;
};

struct boot_target {
	struct image *image;
	const struct layout *layout;
	const struct disk_spec *disk;
	const char *root_uuid;	  /* of the file system with /boot */
	const char *grub2_folder; /* where GRUB 2 looks for its menu: "/boot/grub" */
	const char *tools_tar;	  /* tree of the loader's packages; NULL if it has none */
	struct boot_part kernel, initrd;
	struct boot_part hypervisor_efi; /* data NULL: there is none */
	struct boot_part prepared;	 /* by prepare */
};

struct bootloader {
	enum boot_loader id;
	bool uefi; /* the machine has UEFI firmware, the disk an EFI system partition */
	bool menu; /* it shows one, and waits */
	/* Debian packages with the loader's files, unpacked into a tree of their own, never
	 * installed; NULL at the end. NULL: all it needs is on this machine. */
	const char *const *packages;
	/* Adds the loader's files to those of the layer. May be NULL. */
	int (*files)(const struct boot_target *target, struct overlay *files, struct err *err);
	/* Makes what install needs and no image is looked at for; runs while the image is filled,
	 * in a thread of its own. The caller frees *ret_data. May be NULL. */
	int (*prepare)(const char *root_uuid, const char *grub2_folder, char **ret_data,
		       size_t *ret_length, struct err *err);
	/* Writes what lies outside of file systems; they are complete and closed. May be NULL. */
	int (*install)(const struct boot_target *target, struct err *err);
};

/* Never NULL. */
const struct bootloader *bootloader_of(enum boot_loader id);
