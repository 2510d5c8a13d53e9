/* How a machine's facts change: a copy is changed, written, and takes the place of the old ones. */
#pragma once
#include "pxe/ledger_state.h"

struct change {
	struct ledger *ledger;
	struct place *place;
	struct facts next;
	bool fast; /* one of many like it: need not be on the disk */
};

/* machine: one of the ledger's lab. */
struct place *ledger_place(struct ledger *ledger, const struct lab_machine *machine);

/* Waits until no other change of the place is under way. Ended by one of the two below. */
void change_begin(struct change *change, struct ledger *ledger, struct place *place);
void change_drop(struct change *change);
/* Writes, replaces, tells. After a failure to write the old facts stay. */
int change_end(struct change *change, struct err *err);

/* The version grows, the listener is called. Without the ledger's lock. */
void ledger_tell(struct ledger *ledger);

/* The strangers to the disk, if there are new ones: at once, or at most every few seconds. */
void strangers_keep(struct ledger *ledger, bool at_once);

/* Copies at most length bytes of a hostile text, tamed. */
void facts_string(char *to, size_t length, const char *text);
/* Another stage begins now; what was wrong in the one before is over. */
void facts_stage(struct facts *facts, enum machine_stage stage);
/* It spoke: it is not late any more. */
void facts_heard(struct facts *facts);
/* No token opens anything any more. */
void facts_shut(struct facts *facts);
/* The same, and the count of attempts begins anew. */
void facts_withdraw(struct facts *facts);
/* One more, given by its hash. */
void facts_agent_token(struct facts *facts, const char *hash);
/* As if it had never been installed; its agent's token is withdrawn too. */
void facts_again(struct facts *facts);
/* Nobody has this place. */
void facts_free(struct facts *facts);

void place_console(struct ledger *ledger, struct place *place, const char *text, size_t length);
/* The rows of a matrix as JSON text. -EBADMSG: no matrix, or too large. */
int levels_text(const char *matrix_json, char **ret_levels, struct err *err);
