/* The lab's HTTP servers (libmicrohttpd): boot, secure, answers and status ports. One file of the
 * project includes its header; what is served is decided by the functions in here and the ledger.
 */
#pragma once
#include "base/hash.h"
#include "pxe/ledger.h"

/* What the web server asks of others; called from its threads. Strings are the caller's to free. */
struct web_source {
	void *context;
	/* /boot/ipxe and /boot/grub: the whole text for this client. */
	int (*boot)(void *context, const struct boot_client *client, bool grub, char **ret_text,
		    struct err *err);
	/* The file behind a public path of the boot port ("netboot/vmlinuz", "media/MACHINE/..."):
	 * a descriptor, or -ENOENT. */
	int (*file)(void *context, const char *path, struct err *err);
	/* For the owner of a token: the ticket (JSON), the image (a descriptor, and its hash for
	 * If-Range where it is known, else ""), an answer file (token: as it was asked for with,
	 * for the links in the text). */
	int (*ticket)(void *context, const struct lab_machine *machine, char **ret_json,
		      struct err *err);
	int (*image)(void *context, const struct lab_machine *machine,
		     char ret_sha256[HASH_HEX_LENGTH + 1], struct err *err);
	int (*answer)(void *context, const struct lab_machine *machine, const char *name,
		      const char *token, char **ret_text, struct err *err);
};

struct web_request {
	const struct lab *lab;
	const char *address; /* of this server in the lab */
	struct ledger *ledger;
	const struct web_source *source;
	const char *folder; /* its certificate authority and key are kept there (0700) */
};

struct web;

/* Listens on the named addresses alone. -EADDRINUSE names the port. */
int web_start(const struct web_request *request, struct web **ret_web, struct err *err);
void web_stop(struct web *web);
/* PEM of the lab's certificate authority, for the netboot system; borrowed. */
const char *web_ca(const struct web *web);
