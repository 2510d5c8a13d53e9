/* What a stack file and its layer profiles say, parsed, merged with the defaults and checked.
 * Nothing changes it afterwards. Every string is owned by the stack. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct node;

enum role { ROLE_HOST, ROLE_GUEST };
enum hypervisor { HYPERVISOR_NONE, HYPERVISOR_XEN };
enum os_family_id { OS_DEBIAN, OS_SUSE, OS_REDHAT, OS_ESXI, OS_XCPNG, OS_PROXMOX };
enum machine_type { MACHINE_HVM, MACHINE_PV, MACHINE_PVH };
enum disk_bus { DISK_BUS_AHCI, DISK_BUS_IDE, DISK_BUS_XEN };
enum nic_model { NIC_E1000, NIC_RTL8139, NIC_NETFRONT };
enum table_kind { TABLE_MBR, TABLE_GPT };
enum filesystem_kind { FILESYSTEM_SWAP, FILESYSTEM_EXT3, FILESYSTEM_EXT4, FILESYSTEM_VFAT };
enum boot_loader { BOOT_GRUB2_BIOS, BOOT_GRUB_LEGACY, BOOT_GRUB2_EFI, BOOT_XEN_EFI, BOOT_DIRECT };
enum address_mode { ADDRESS_DHCP, ADDRESS_STATIC };

/* Where a value was written, for messages. */
struct mark {
	const char *file;
	unsigned line, column; /* from 1; 0: a default */
};

#define LAYERS_MAX	64
#define PARTITION_REST	UINT64_MAX
#define ESP_MOUNT_POINT "/boot/efi" /* the EFI system partition, as Debian mounts it */

struct partition_spec {
	uint64_t size_bytes; /* PARTITION_REST: what the others leave */
	enum filesystem_kind filesystem;
	char *label;	   /* "" for none */
	char *mount_point; /* "" for none; "/" exactly once on a disk */
	struct mark mark;
};

struct sizes {
	uint64_t *bytes;
	size_t count;
};

struct disk_spec {
	uint64_t size_bytes; /* 0: no disk */
	enum table_kind table;
	struct partition_spec *partitions;
	size_t partition_count;
	struct sizes extra; /* further disks of the machine, empty ones */
};

struct file_spec {     /* an extra file put into the layer's root file system */
	char *path;    /* inside the layer, absolute */
	char *content; /* from `content:`, or read from `source:` relative to the profile's folder
			*/
	size_t content_length;
	char *source;  /* path of the file that it was read from, or NULL */
	uint32_t mode; /* 0644 unless said otherwise; owner is root */
	struct mark mark;
};

struct machine_spec {
	enum machine_type type;
	unsigned vcpus;
	uint64_t memory_bytes; /* initial and maximum */
	bool nested;	       /* hap and nestedhvm for the machine, hypervisors may run in it */
	enum disk_bus disk_bus;
	enum nic_model nic;
	char *mac; /* "00:16:3e:..", lower case; derived from the name where none is given */
};

struct network_spec {
	char *bridge; /* hosts: the bridge over the NIC, "br0" */
	enum address_mode mode;
	char *address; /* "10.0.2.15/24", static only */
	char *gateway; /* "" for none */
	struct strv dns;
	struct strv routes; /* "10.1.0.0/16 via 10.0.2.3" */
};

/* The vendor's installer in the place of a direct bootstrap. */
struct install_spec {
	char *medium; /* path or URL of an ISO image; "": the layer is bootstrapped directly */
	char *sha256; /* of the medium, lower-case hex; "": not checked, allowed for a path only */
	char *kernel_args; /* of the installer, besides those that nestctl gives it; "" for none */
	unsigned timeout_seconds; /* from power-on to the installer's own power-off */
};

struct layer {
	char *name;
	unsigned depth; /* 1: runs on L0 */
	struct layer *outer;
	struct layer **inner; /* hosts: the layers inside, in the order of the stack file */
	size_t inner_count;

	enum role role;
	enum hypervisor hypervisor; /* HYPERVISOR_NONE for guests */
	const struct pattern *pattern;
	enum os_family_id os_family;
	char *release;	      /* "bookworm", "trixie" */
	char *mirror;	      /* "": the one of this machine's apt, else mmdebstrap's default */
	char *keyring;	      /* path of the public keys that sign SUSE's repositories; "" */
	struct strv packages; /* extra packages */
	struct strv groups;   /* package groups: file-server, web-server, development */
	struct strv services; /* enabled besides those that the pattern needs */
	struct install_spec install;

	struct machine_spec machine;
	struct disk_spec disk;

	enum boot_loader boot_loader;
	char *hypervisor_args; /* added to the pattern's, "" for none */
	char *kernel_args;
	uint64_t dom0_memory_bytes; /* hosts: dom0_mem=N,max:N */
	unsigned menu_timeout_seconds;

	char *host_name, *domain, *locale, *time_zone;
	char *keymap;
	struct network_spec network;
	char *root_password_hash; /* crypt(5), "" locks the password */
	struct strv ssh_keys;
	struct file_spec *files;
	size_t file_count;
	struct strv guest_config_lines; /* raw lines for the layer's guest config: they replace what
					 * would be written for the same key */
	unsigned boot_timeout_seconds;	/* from power-on of this layer to its agent's first word */
	unsigned proof_timeout_seconds; /* from the agent's first word to its proof */
	struct mark mark;
	struct node *map; /* as it was written, merged: what was given, and where; NULL in a layer
			   * that was read from no file */
};

struct stack {
	char *name; /* "xen-l3"; of a lab's machine "rack.r1": all that is derived depends on it */
	char *own_name; /* "xen-l3": from the file's name: key, else the file's name */
	char *path;
	struct layer **layers; /* outermost first, in the order of the file; layers[0] is L1 */
	size_t layer_count;
	struct strv sources; /* every file that was read, for messages and bundles */
};

/* Reads a stack file with all that it includes, merges defaults, checks everything. Writes
 * nothing. On bad input -EINVAL: the message holds every error found, one a line, each
 * "file:line:column: key: found; allowed". The caller owns *ret_stack. */
int stack_load(const char *path, struct stack **ret_stack, struct err *err);
/* For those who only want answer files: path may be a layer's profile too, which is a stack of one
 * then (named after the file unless it says its name), and a layer that an installer makes needs no
 * medium. */
int stack_load_for_answers(const char *path, struct stack **ret_stack, struct err *err);
void stack_free(struct stack *stack);
void stack_cleanup(struct stack **stack);

struct layer *stack_layer(const struct stack *stack, const char *name); /* NULL: there is none */
/* Is the layer's disk made by its vendor's installer? */
bool layer_is_installed(const struct layer *layer);
/* Index of the partition that is mounted there; partition_count if none is. */
size_t disk_partition_at(const struct disk_spec *disk, const char *mount_point);

/* Their names, as in profiles: "host", "xen", "hvm", "ext4", ... never NULL. */
const char *role_name(enum role role);
const char *hypervisor_name(enum hypervisor hypervisor);
const char *os_family_name(enum os_family_id family);
const char *machine_type_name(enum machine_type type);
const char *disk_bus_name(enum disk_bus bus);
const char *nic_model_name(enum nic_model nic);
const char *table_kind_name(enum table_kind table);
const char *filesystem_kind_name(enum filesystem_kind kind);
const char *boot_loader_name(enum boot_loader loader);
