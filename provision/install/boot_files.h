/* What the installer's machine is started with: kernel, initrd with the answers in it, medium. */
#pragma once
#include "install/install.h"

/* Paths; NULL: not needed. boot_files_done it. */
struct boot_files {
	char *medium, *answer_disk, *kernel, *initrd, *arguments;
};

/* Makes them in a folder that is ours alone: the answers hold the password's hash. -EBADMSG: the
 * medium is damaged or of another family. */
int boot_files_make(const struct install_request *request, const char *folder,
		    struct boot_files *ret_files, struct err *err);
void boot_files_done(struct boot_files *files);
