/* Answer files: from one layer, what its vendor's unattended installer reads. One file a format,
 * one row in formats[] of answers.c. Values are escaped for their format: none can break out. */
#pragma once
#include "profile/stack.h"

struct answers_request {
	const struct layer *layer;
	const char *stack_name; /* UUIDs and the agent's configuration depend on it */
	const char *agent;	/* bytes of the static agent, put into the layer by the answer file
				 * where its installer can run a script; NULL: it is left out */
	size_t agent_length;
};

struct answers_format {
	const char *name; /* "autoyast", "kickstart", "preseed", "esxi", "xcp-ng", "proxmox" */
	enum os_family_id family;
	const char *file_name; /* as the installer looks for it: "autoinst.xml" */
	/* Arguments that make the installer's kernel find it at the root of its initrd; NULL where
	 * the family cannot: then the file lies on a disk with volume_label, or on the medium. */
	const char *initrd_args;
	const char *volume_label; /* "OEMDRV"; NULL: the installer looks for no such disk */
	/* -ENOTSUP: the layer has something that the format cannot express; the message names each
	 * such key, one a line. *ret_text is the caller's. */
	int (*emit)(const struct answers_request *request, char **ret_text, struct err *err);
};

/* name NULL: the one of the layer's family. -EINVAL with the names that there are; -ENOTSUP if the
 * family and release of the layer are none of the format's. */
int answers_format_find(const struct layer *layer, const char *name,
			const struct answers_format **ret_format, struct err *err);
/* The i-th format, NULL after the last. */
const struct answers_format *answers_format_at(size_t index);
