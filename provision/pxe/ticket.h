/* What the lab's server tells an installer to do, and where it finds the server: the kernel's
 * command line and the ticket (docs/pxe.md).
 */
#pragma once
#include "base/hash.h"
#include "pxe/ledger.h"
#include "pxe/stream.h"

/* From the kernel's command line. */
struct lab_call {
	char *server;		      /* "https://10.0.0.1:8443" */
	char token[TOKEN_LENGTH + 1]; /* a secret */
};

/* -EINVAL names the argument that is missing or wrong. lab_call_done it, after a failure too. */
int lab_call_parse(const char *command_line, struct lab_call *ret_call, struct err *err);
void lab_call_done(struct lab_call *call);
/* ticket_text.c: arguments of the netboot system's kernel, as lab_call_parse reads them. server
 * NULL: it shall be a rescue system. mac "": it takes any card. The caller frees. */
char *lab_call_text(const char *server, const char *token, const char *mac);
/* "https://10.0.0.1:8443/TOKEN/what"; the caller frees. */
char *lab_call_url(const struct lab_call *call, const char *what);

struct ticket {
	char *machine, *host_name; /* host_name "": as the image has it */
	struct stream_facts image;
	char *boot_uuid; /* of the image (image_boot.h); "": it has none, or it is not told */
	struct lab_disk disk;
	char *agent_server; /* "10.0.0.1:7071", "": the image's agent reports to nobody */
	char agent_token[TOKEN_LENGTH + 1];
	struct strv mirrors; /* URLs of the image, to be tried first */
};

/* -EBADMSG names the key. ticket_done it, after a failure too. */
int ticket_parse(const char *json, struct ticket *ret_ticket, struct err *err);
void ticket_done(struct ticket *ticket);
/* ticket_text.c: the same the other way round; the caller frees. It holds the agent's token. */
char *ticket_text(const struct ticket *ticket);
