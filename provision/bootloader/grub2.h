/* What GRUB 2 needs on every firmware: its core image, by grub-mkimage. */
#pragma once
#include "base/err.h"

struct grub2_core {
	const char *format;  /* "i386-pc" */
	const char *folder;  /* with its modules */
	const char *modules; /* of this platform, besides the common ones: words, or "" */
	const char *root_uuid;
	const char *menu_folder; /* "/boot/grub" */
};

/* Makes the core image with all modules that a menu of ours uses, so that nothing has to be loaded
 * from the file system; it finds its menu in menu_folder of the file system root_uuid. The caller
 * frees *ret_core. */
int grub2_core_make(const struct grub2_core *core, char **ret_core, size_t *ret_length,
		    struct err *err);
