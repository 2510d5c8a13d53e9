/* Files that come with the program: templates, the agent. Found beside the program, so that a
 * build tree and an installed copy both work as they are. */
#pragma once
#include "base/err.h"
#include "base/str.h"

/* Path of a shipped file ("templates/grub/default", "nestctl-agent"): in $NESTCTL_DATA if set, else
 * beside the program, in the folder above it (a build tree), or where it was installed. -ENOENT
 * names the places. The caller frees. */
int data_path(const char *name, char **ret_path, struct err *err);

/* Reads a shipped file; the caller frees. */
int data_read(const char *name, char **ret_text, size_t *ret_length, struct err *err);

struct template_value {
	const char *name;  /* NAME of @NAME@ */
	const char *value; /* must not be NULL */
};

/* Reads templates/NAME and replaces every @NAME@. A name without a value is -ENOKEY; a value that
 * is not used is no error. values ends with a NULL name. The caller frees. */
int template_render(const char *name, const struct template_value *values, char **ret_text,
		    struct err *err);
