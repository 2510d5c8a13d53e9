/* The ledger of a lab: who is who, what each machine does at its next boot, and how far it is. Kept
 * on the disk after each change, so that a server that is started again goes on where it was.
 * Safe to call from any thread. Knows no socket.
 */
#pragma once
#include <time.h>

#include "pxe/lab.h"
#include "pxe/tokens.h"

enum machine_stage {
	MACHINE_UNSEEN,
	MACHINE_BOOTING,    /* got its boot script for the installer */
	MACHINE_INSTALLING, /* the installer speaks, or fetched its answers */
	MACHINE_INSTALLED,  /* the disk is complete; it has not booted from it yet */
	MACHINE_STARTING,   /* boots from its disk */
	MACHINE_PROVING,    /* its agent speaks */
	MACHINE_PROVEN,
	MACHINE_FAILED,
	MACHINE_STRANGER, /* not on the list */
};

enum boot_decision { DECISION_INSTALL, DECISION_LOCAL, DECISION_RESCUE };
enum firmware { FIRMWARE_UNKNOWN, FIRMWARE_BIOS, FIRMWARE_UEFI };

#define LEDGER_ATTEMPTS 3 /* installs that are begun before the machine is left alone */

struct ledger;

/* folder: is made where it is missing (0700); lab outlives the ledger. -EBADMSG: what is there is
 * damaged, or of another lab. -EBUSY: another ledger has it. */
int ledger_open(const char *folder, const struct lab *lab, struct ledger **ret_ledger,
		struct err *err);
void ledger_free(struct ledger *ledger);
void ledger_cleanup(struct ledger **ledger);

/* Who asks for a boot script. Strings are "" where not known. */
struct boot_client {
	const char *mac, *uuid; /* any case, ':' or '-' between the bytes */
	const char *address;	/* where the request came from */
	enum firmware firmware;
};

struct boot_answer {
	enum boot_decision decision;
	const struct lab_machine *machine; /* NULL: a stranger, whose decision is local */
	char token[TOKEN_LENGTH + 1]; /* DECISION_INSTALL: opens what this machine is served; the
				       * one before it is worth nothing from now on. Else "" */
	char agent_token[TOKEN_LENGTH + 1]; /* DECISION_INSTALL, else "". Lasts: with it the
					     * installed machine's agent says who it is */
};

/* A machine is known by UUID, then MAC; a stranger takes the next free place of `any`. A machine
 * that asks again before its install was reported done has failed once, unless it does so within a
 * minute and never used its token: then it is the same boot, with another token. After
 * LEDGER_ATTEMPTS its decision is local. */
int ledger_boot(struct ledger *ledger, const struct boot_client *client,
		struct boot_answer *ret_answer, struct err *err);

/* Whose token it is: -EACCES if nobody's, if it was withdrawn (a boot of its machine, whatever that
 * does, withdraws it, and so does the word that the disk is complete), or if it was used from
 * another address before. address NULL: for a word that opens nothing, from wherever it comes; an
 * installer may have another address at its end. */
int ledger_token(struct ledger *ledger, const char *token, const char *address,
		 const struct lab_machine **ret_machine, struct err *err);
int ledger_agent_token(struct ledger *ledger, const char *token,
		       const struct lab_machine **ret_machine, struct err *err);

/* Another agent token, for whoever writes it into what the machine is given: the ledger knows none
 * but by its hash. The newest few since its boot are valid. */
int ledger_agent_issue(struct ledger *ledger, const struct lab_machine *machine,
		       char ret_token[TOKEN_LENGTH + 1], struct err *err);

/* What the machine's installer reports. done of total bytes; total 0: not known. text: what it
 * does, or why it failed; is taken as hostile. installed: the next boot is from the disk, and the
 * token is worth nothing any more. */
int ledger_progress(struct ledger *ledger, const struct lab_machine *machine, uint64_t done,
		    uint64_t total, const char *text, struct err *err);
int ledger_installed(struct ledger *ledger, const struct lab_machine *machine, struct err *err);
int ledger_failed(struct ledger *ledger, const struct lab_machine *machine, const char *why,
		  struct err *err);
/* Lines of its installer's or system's console, for the page; the last 4 KiB are kept. */
void ledger_console(struct ledger *ledger, const struct lab_machine *machine, const char *text,
		    size_t length);
/* The levels of its stack, as matrix_json_text gives them; proven: all are. */
int ledger_levels(struct ledger *ledger, const struct lab_machine *machine, const char *matrix_json,
		  bool proven, struct err *err);
/* By the person: what it does at its next boot; install begins all over. An install that is under
 * way may end. Install, for a place of `any` that is not proven, frees it: whoever took it may have
 * been no machine at all. -ENOTSUP: rescue, in a lab that has no such system. */
int ledger_decide(struct ledger *ledger, const char *machine_name, enum boot_decision decision,
		  struct err *err);

/* Once in a while, with the time: a machine that has been in one stage for too long shows an error,
 * until it speaks again. */
void ledger_tick(struct ledger *ledger, time_t now);

/* The whole lab as one JSON object, strangers too: what the page, `nestctl pxe status` and the API
 * show (docs/pxe.md lists its keys). No token is in it. The caller frees. */
char *ledger_json(struct ledger *ledger);
/* Grows with each change. */
uint64_t ledger_version(struct ledger *ledger);
/* Called after each change, from the thread that made it, without the ledger's lock; or NULL. */
void ledger_on_change(struct ledger *ledger, void (*on_change)(void *context), void *context);
/* Every machine that is to be installed, by the lab file or by a person, and every place of `any`
 * that somebody took; and one at least. */
bool ledger_all_proven(struct ledger *ledger);
