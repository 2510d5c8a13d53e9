/* What the ledger's files share: a machine's facts, as they are in memory and on the disk. */
#pragma once
#include <jansson.h>
#include <pthread.h>

#include "pxe/identity.h"
#include "pxe/ledger.h"

#define ADDRESS_LENGTH 45   /* of an IPv6 address */
#define TEXT_LENGTH    255  /* of what an installer says */
#define ERROR_LENGTH   1023 /* of why something failed */
#define CONSOLE_BYTES  4096
#define LEVELS_BYTES   ((size_t)1 << 18) /* of a machine's levels */
/* An installer may ask for its answers more than once, and use any of what it got. */
#define AGENT_TOKENS  4
#define STRANGERS_MAX 1000

/* What is kept of a machine, and replaced as a whole. No pointer in it but levels. */
struct facts {
	enum machine_stage stage;
	enum boot_decision decision; /* at its next boot */
	enum boot_decision listed;   /* what the lab file asked for */
	char mac[MAC_LENGTH + 1];    /* as it booted last; "" before */
	char uuid[UUID_LENGTH + 1];
	char address[ADDRESS_LENGTH + 1];
	enum firmware firmware;
	time_t since, heard; /* in this stage; of it at all: seconds since 1970 */
	uint64_t done, total;
	char text[TEXT_LENGTH + 1], error[ERROR_LENGTH + 1];
	bool late;	   /* the error is of time, and goes when the machine speaks again */
	unsigned attempts; /* installs begun since the person or the lab file asked for one */
	char token[HASH_HEX_LENGTH + 1]; /* hashes; "" for none */
	char token_address[ADDRESS_LENGTH + 1];
	char agent_tokens[AGENT_TOKENS * (HASH_HEX_LENGTH + 1)]; /* a blank between, newest first */
	char *levels; /* JSON array, owned; NULL before the first */
};

void facts_copy(struct facts *to, const struct facts *from); /* to is blank */
void facts_done(struct facts *facts);
/* How a machine of the lab file begins. */
void facts_begin(struct facts *facts, const struct lab_machine *machine, time_t now);
/* What the lab file asks for now holds for a machine that was not installed by us. */
void facts_listed(struct facts *facts, const struct lab_machine *machine);

struct place { /* of a machine of the lab */
	const struct lab_machine *machine;
	pthread_mutex_t change;	     /* held from the reading of the facts to their replacement */
	struct facts facts;	     /* under the ledger's lock */
	time_t written;		     /* under change */
	char console[CONSOLE_BYTES]; /* under the ledger's lock, as what follows */
	size_t console_length;
};

struct stranger {
	char mac[MAC_LENGTH + 1], uuid[UUID_LENGTH + 1], address[ADDRESS_LENGTH + 1];
	enum firmware firmware;
	time_t seen;
};

struct ledger {
	const struct lab *lab;
	char *folder;
	int folder_lock;
	pthread_mutex_t lock;	    /* never held while something is written */
	struct place *places;	    /* in the order of the lab's machines */
	struct stranger *strangers; /* oldest first */
	size_t stranger_count;
	bool strangers_new;		 /* not all of them are on the disk */
	pthread_mutex_t stranger_change; /* held while they are written */
	time_t strangers_written;	 /* under stranger_change */
	uint64_t version;
	void (*on_change)(void *context);
	void *context;
};

/* Names as the page and the files have them; never NULL. */
const char *ledger_stage_text(enum machine_stage stage);
const char *ledger_decision_text(enum boot_decision decision);
const char *ledger_firmware_text(enum firmware firmware); /* "" for unknown */
/* Their values, -1 if there is none of that name; name may be NULL. */
int ledger_stage_find(const char *name);
int ledger_decision_find(const char *name);
int ledger_firmware_find(const char *name);
