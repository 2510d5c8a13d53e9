/* The answers way: a vendor's installer over the network. Its medium lies unpacked where the boot
 * port hands it out; what its kernel is told, and its answer file with this boot's tokens, are made
 * when a machine asks. Safe to call from any thread once it is open.
 */
#pragma once
#include "pxe/boot_text.h"

struct vendor;

struct vendor_request { /* what it points to outlives the vendor */
	const struct lab *lab;
	const char *address; /* of this server in the lab */
	const char *folder;  /* media/ is made in it */
	bool offline;	     /* no medium is fetched */
};

/* Brings, checks and unpacks the medium of every machine of way answers, each medium once; those
 * that an earlier server unpacked are kept. -EINVAL: a family that cannot be installed over the
 * network, a medium that is none for that, a layer that its answer file cannot express. */
int vendor_open(const struct vendor_request *request, struct vendor **ret_vendor, struct err *err);
void vendor_free(struct vendor *vendor);
void vendor_cleanup(struct vendor **vendor);

struct vendor_boot { /* zeroed; vendor_boot_done it */
	char *kernel, *initrd, *arguments;
	struct boot_files files; /* with the strings above */
};

/* What a machine of way answers is started with. token: of this boot. */
void vendor_boot(const struct vendor *vendor, const struct lab_machine *machine,
		 enum firmware firmware, const char *token, struct vendor_boot *ret_boot);
void vendor_boot_done(struct vendor_boot *boot);

/* A public file: "MACHINE/NAME", below the medium whatever NAME is or leads to. A descriptor, or
 * -ENOENT. */
int vendor_file(const struct vendor *vendor, const char *path, struct err *err);

/* The folder with the medium's files, for a copy of them; borrowed. NULL: it has none. */
const char *vendor_root(const struct vendor *vendor, const struct lab_machine *machine);

/* Files of ESXi's medium that are made for it and are not in that folder: boot.cfg with the URL of
 * the medium, for BIOS and UEFI. */
#define VENDOR_ESXI_BIOS_CONFIG "nestctl-boot.cfg"
#define VENDOR_ESXI_UEFI_CONFIG "nestctl-boot-uefi.cfg"

/* What the machine's installer asks for by name, the answer file first; NULL after the last. */
const char *vendor_answer_name(const struct vendor *vendor, const struct lab_machine *machine,
			       size_t index);
/* The machine's answer file, or what its installer fetches besides. token: as it was asked for
 * with; agent_token: for the agent of the system that is installed (ledger_agent_issue). Secret.
 * -ENOENT: it has none of that name. */
int vendor_answer(const struct vendor *vendor, const struct lab_machine *machine, const char *name,
		  const char *token, const char *agent_token, char **ret_text, struct err *err);
