/* The script that finishes a layer inside its new system, at the end of the installation: the files
 * that no installer's own language has words for, and the commands that enable them. */
#pragma once
#include "answers/answers.h"
#include "compose/overlay.h"

enum init_system { INIT_SYSTEMD, INIT_SYSV };

struct setup { /* zeroed; setup_done it */
	struct overlay files;
	struct buf commands; /* of a POSIX shell, after the files are there */
	const char *done;    /* URL that is fetched at the very end, borrowed; NULL: none */
};

/* SSH keys, the agent with its configuration (whom it tells, too, and what is told at the end, if
 * the request has a network) and unit (if the request has one; its bytes only with
 * agent_bytes), the profile's files, which win over the others. */
int setup_layer(struct setup *setup, const struct answers_request *request, enum init_system init,
		bool agent_bytes, struct err *err);
/* A command that enables a service. */
void setup_enable(struct setup *setup, const char *service);
/* The entry of the GRUB 2 menu that starts Xen becomes the default, by its title. */
int setup_xen_default(struct setup *setup, const char *menu, struct err *err);
/* /etc/default/grub.d or the end of /etc/default/grub: what update-grub and grub2-mkconfig make
 * command lines and serial consoles of. No serial console in a Xen entry's kernel. */
char *setup_grub_defaults(const struct layer *layer);

/* The whole script; the caller frees. */
int setup_script(const struct setup *setup, char **ret_text, struct err *err);
void setup_done(struct setup *setup);
