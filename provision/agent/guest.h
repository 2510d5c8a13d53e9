/* One guest as the host's agent holds it: its console, its channel, and what may pass between the
 * two sides. Knows nothing of how domains are started. */
#pragma once
#include <stdbool.h>

#include "channel.h"
#include "conf.h"
#include "console.h"
#include "outward.h"
#include "proc.h"

enum guest_state {
	GUEST_WAITING,
	GUEST_STARTING, /* xl create runs */
	GUEST_UP,
	GUEST_FAILED, /* it did not start */
	GUEST_ENDED,
};

struct guest {
	struct guests *all;
	const struct guest_conf *conf;
	struct outward *outward;
	enum guest_state state;
	int domain; /* -1: none */
	unsigned attempts;
	double not_before; /* of the next attempt */
	double created;	   /* when its last attempt began */
	struct proc xl;	   /* create, shutdown or destroy */

	struct console console;
	struct channel tty;    /* the console's pty */
	struct channel socket; /* the channel of its own, where it has one */
	/* The guest hung up on us. */
	void (*on_hangup)(struct guest *guest);
	bool heard;  /* its agent has spoken */
	bool silent; /* it may have been greeted by an agent before this one: greet it unasked */
	bool asked_down; /* to end, by its agent or by xl */
	char nonce_told[NONCE_DIGITS + 1];
};

/* log_folder: of the console's log. */
void guest_init(struct guest *guest, struct loop *loop, const char *log_folder);
/* Leaves an xl that runs alone: half a domain is worse than one that nobody holds. */
void guest_done(struct guest *guest);

bool guest_is_connected(const struct guest *guest);
/* Opens what is not open yet; tty_path is the console's pty, "" where it is not known. */
void guest_connect(struct guest *guest, const char *tty_path);
void guest_disconnect(struct guest *guest);

/* hello, where its agent has spoken and has not been told this run's nonce. */
void guest_greet(struct guest *guest);
bool guest_send(struct guest *guest, const char *line, size_t length);
void guest_type(struct guest *guest, const char *data, size_t length);
/* False: it cannot be told. */
bool guest_down(struct guest *guest, unsigned seconds);
/* The outward line has room again. */
void guest_resume(struct guest *guest);

/* Whether path is that of the guest (or, deep, of a layer inside it). */
bool path_is_within(const char *path, const char *outer, const char *name, bool deep_only);
