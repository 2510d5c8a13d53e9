/* What a lab file says: the network that machines boot from, and what each machine becomes. Parsed,
 * checked, with every machine's stack loaded. Nothing changes it afterwards.
 */
#pragma once
#include <netinet/in.h>

#include "profile/stack.h"

enum lab_way { LAB_IMAGE, LAB_ANSWERS };
enum lab_boot { LAB_BOOT_INSTALL, LAB_BOOT_LOCAL, LAB_BOOT_RESCUE };
/* Proxy: another server gives the addresses, ours only the boot file. */
enum lab_dhcp { LAB_DHCP_PROXY, LAB_DHCP_FULL, LAB_DHCP_NONE };
enum lab_disk_pick { LAB_DISK_ONLY, LAB_DISK_SIZE, LAB_DISK_SERIAL, LAB_DISK_BY_ID };

#define LAB_DISK_MAX (UINT64_C(1) << 60) /* bytes; no disk is larger */

struct lab_disk { /* the disk of the machine that is written to */
	enum lab_disk_pick pick;
	uint64_t min_bytes, max_bytes; /* LAB_DISK_SIZE, else 0 and LAB_DISK_MAX */
	char *text;		       /* serial number, or name in /dev/disk/by-id */
	bool wipe;		       /* a disk with data is overwritten, else refused */
};

/* One machine. `any: N` makes N of them. */
struct lab_machine {
	char *name;	     /* unique; host name of its L1: "r1"; of `any`: "node-1" ... */
	char *mac, *uuid;    /* lower case, "" where the file gives none */
	bool any;	     /* neither: the first stranger that boots becomes it */
	struct stack *stack; /* its own: names and derived MACs differ from machine to machine */
	enum lab_way way;
	enum lab_boot boot; /* what it does until an install was proven */
	struct lab_disk disk;
	struct mark mark;
};

struct lab_ports {
	unsigned boot;	  /* HTTP: boot scripts, kernels, installers' media; no secret */
	unsigned secure;  /* HTTPS: images and reports */
	unsigned answers; /* HTTP: answer files, for installers that cannot do TLS */
	unsigned agents;  /* TCP: the proven levels' records (docs/agent-protocol.md) */
	unsigned status;  /* HTTP: the page and the API */
};

struct lab {
	char *name; /* from the file's name: key, else the file's name */
	char *path;
	char *interface; /* the only one that is listened on */
	char *address;	 /* of this server there, dotted; "": the interface's first */
	enum lab_dhcp dhcp;
	char *range_first, *range_last; /* LAB_DHCP_FULL */
	unsigned lease_seconds;
	char *gateway; /* LAB_DHCP_FULL; "" for none */
	struct strv dns;
	struct lab_ports ports;
	char *status_address; /* where the page listens, "127.0.0.1" */
	struct strv mirrors;  /* further HTTP servers with the images: "http://10.0.0.5/lab" */
	struct lab_machine *machines;
	size_t machine_count;
	struct strv sources; /* every file that was read */
};

/* In the lab's folder, for what is served and remembered; no machine has that name. */
#define LAB_OWN_FOLDER "pxe"

/* Like stack_load: writes nothing; -EINVAL holds every error found, "file:line:column: key: found;
 * allowed". The caller owns *ret_lab. */
int lab_load(const char *path, struct lab **ret_lab, struct err *err);
/* A lab file and no stack file or profile, as far as it can be read? */
bool lab_is(const char *path);
void lab_free(struct lab *lab);
void lab_cleanup(struct lab **lab);

/* "image", "install", ...: as in lab files. */
const char *lab_way_name(enum lab_way way);
const char *lab_boot_name(enum lab_boot boot);
/* Whether its server makes a netboot system, which also is its rescue system: where a machine has
 * way: image or boot: rescue. */
bool lab_has_netboot(const struct lab *lab);
