/* Between the files of render.c. */
#pragma once
#include "pxe/boot_text.h"
#include "pxe/render.h"
#include "pxe/vendor.h"

struct render {
	const struct lab *lab;
	struct lab_images *images;
	struct vendor *vendor;
	const char *folder; /* absolute */
	const char *server; /* "10.20.0.1:8080" */
};

/* A file of the tree; folders above it are made, 0700 for a file that others may not read. */
int render_file(const struct render *render, const char *name, const char *text, mode_t mode,
		struct err *err);
char *render_path(const struct render *render, const char *name); /* the caller frees */
/* A machine's boot texts, where its boot program asks for them. bios and uefi: what it starts with
 * either firmware, which may be the same. */
int render_boot(const struct render *render, const struct lab_machine *machine,
		const struct boot_files *bios, const struct boot_files *uefi, struct err *err);

/* render_servers.c: the servers' configuration, boot programs, README. */
int render_servers(const struct render *render, struct err *err);
int render_readme(const struct render *render, struct err *err);

/* render_vendor.c: a machine of way answers. */
int render_vendor(const struct render *render, const struct lab_machine *machine, struct err *err);
