/* Between the files of render.c. */
#pragma once
#include "pxe/render.h"
#include "pxe/tokens.h"

struct render {
	const struct lab *lab;
	struct lab_images *images;
	char *folder; /* absolute */
	char *server; /* "10.20.0.1:8080" */
};

/* A file of the tree; folders above it are made, 0700 what is secret, and what is in there 0600. */
int render_file(const struct render *render, const char *name, const char *text, mode_t mode,
		struct err *err);
char *render_path(const struct render *render, const char *name); /* the caller frees */

/* render_conf.c: the servers' configuration, boot programs, README. */
int render_servers(const struct render *render, struct err *err);
int render_readme(const struct render *render, struct err *err);
