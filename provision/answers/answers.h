/* Answer files: from one layer, what its vendor's unattended installer reads. One file a format,
 * one row in formats[] of answers.c. Values are escaped for their format: none can break out. */
#pragma once
#include "profile/diagnostic.h"
#include "profile/stack.h"

/* What is different for an installer that was started over the network: it restarts the machine
 * at its end, after it told the server. Borrowed; none of it has a character that a URL has not. */
struct answers_network {
	const char *script;	/* URL of what the format's script() makes */
	const char *done;	/* is fetched when the disk is complete */
	const char *repository; /* the medium's files, "http://10.0.0.1:8080/media/r1" */
	const char *agent;	/* "10.0.0.1:8090 TOKEN": whom the system's agent tells */
};

struct answers_request {
	const struct layer *layer;
	const char *stack_name; /* UUIDs and the agent's configuration depend on it */
	const char *agent;	/* bytes of the static agent, put into the layer by the answer file;
				 * NULL: it is left out. Without use where the format has none. */
	size_t agent_length;
	bool no_cdrom; /* the medium is a folder, which no machine can be given: all but its kernel
			* and initrd comes over the network */
	const struct answers_network *network; /* NULL: the installer was started otherwise */
};

/* What the formats differ in from release to release; each has more of its own behind it. */
struct answers_release {
	const char *name;   /* os.release */
	const char *title;  /* "SUSE Linux Enterprise Server 11 SP4" */
	const char *hashes; /* kinds of crypt(5) that it can check: "1 5 6" */
	const char *major;  /* how its media's version begins: "11"; NULL: each is another */
	/* How its media's product may begin, ends with NULL; NULL: the family has one product. */
	const char *const *products;
	/* What begins so too and is another product, ends with NULL; NULL: nothing does. */
	const char *const *unlike;
	bool xen;    /* it can be a Xen host */
	bool legacy; /* boots by GRUB Legacy, others by GRUB 2 */
	bool uefi;   /* GRUB 2 on a GPT disk too */
};

/* A key that a format cannot express, unless its value is the one that its installer gives. */
struct answers_limit {
	const char *key;
	const char *same;    /* "xenbr0"; NULL: there is none */
	const char *allowed; /* for the message: "none: its installer takes no packages" */
};

struct answers_check;

struct answers_format {
	const char *name; /* "autoyast", "kickstart", "preseed", "esxi", "xcp-ng", "proxmox" */
	enum os_family_id family;
	const char *file_name; /* as the installer looks for it: "autoinst.xml" */
	/* Arguments that make the installer's kernel find it at the root of its initrd, with those
	 * that it needs besides (net.ifnames=0: the files speak of eth0); NULL where the family
	 * cannot: then the file lies on a disk with volume_label, or on the medium. */
	const char *initrd_args;
	const char *volume_label; /* "OEMDRV"; NULL: the installer looks for no such disk */
	bool on_medium;		  /* it is found on the medium, which nestctl makes anew */
	bool agent;		  /* it can bring the agent into the layer */
	bool partitions; /* it takes the profile's partitions; else the installer has its own */
	bool powers_off; /* at the end; else the installer restarts the machine, which must not come
			  * back */
	const struct answers_limit *limits; /* ends with a NULL key */
	/* The i-th release, NULL after the last. */
	const struct answers_release *(*release)(size_t index);
	/* Its name of a keymap, NULL: it has none; NULL: it takes any. */
	const char *(*keyboard)(const char *keymap);
	/* What the common checks do not know; may be NULL. */
	void (*check)(const struct answers_check *check);
	/* -EINVAL: the layer has something that the format cannot express; the message names each
	 * such key, one a line. *ret_text is the caller's. */
	int (*emit)(const struct answers_request *request, char **ret_text, struct err *err);
	/* What an installer that was started over the network fetches at its end: the script that
	 * finishes the system. NULL: it is in the answer file. */
	int (*script)(const struct answers_request *request, char **ret_text, struct err *err);
};

/* name NULL: the one of the layer's family. -EINVAL with the names that there are, or if it is
 * another family's. */
int answers_format_find(const struct layer *layer, const char *name,
			const struct answers_format **ret_format, struct err *err);
/* Never NULL: every family has one. */
const struct answers_format *answers_format_of(enum os_family_id family);
/* The i-th format, NULL after the last. */
const struct answers_format *answers_format_at(size_t index);

/* The layer's release, NULL: it is none of the format's. */
const struct answers_release *answers_release_of(const struct answers_format *format,
						 const struct layer *layer);

/* Can they be brought to the installer without a server? */
bool answers_format_is_local(const struct answers_format *format);

/* Adds what the format cannot express of the layer, each key at its place in the profile. */
void answers_check_layer(const struct layer *layer, const struct answers_format *format,
			 struct diagnostics *diagnostics);
