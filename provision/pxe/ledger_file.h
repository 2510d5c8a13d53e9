/* The ledger on the disk: a folder of small JSON files, one a machine, each replaced as a whole. */
#pragma once
#include "pxe/ledger_state.h"

/* Makes the folder where it is missing, locks it, and reads what is there into the ledger, whose
 * places are at their beginning. -EBUSY, -EBADMSG as ledger_open. */
int ledger_files_open(struct ledger *ledger, struct err *err);
/* Returns when it is on the disk. */
int ledger_files_machine(const struct ledger *ledger, const struct lab_machine *machine,
			 const struct facts *facts, struct err *err);
int ledger_files_strangers(const struct ledger *ledger, const struct stranger *strangers,
			   size_t count, struct err *err);
