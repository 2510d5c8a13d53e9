/* What a person at the terminal sees of a lab: a line for each machine that goes on to another
 * stage, and for each stranger, the first fifty.
 */
#pragma once
#include "pxe/ledger.h"

struct watch;

struct watch *watch_new(void);
void watch_cleanup(struct watch **watch);
/* Says what is new in the ledger since the last call. */
void watch_tell(struct watch *watch, struct ledger *ledger);
