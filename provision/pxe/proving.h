/* The agents of installed machines: they dial in over TCP, say who they are, and prove their levels
 * as they do over a serial line in a build (docs/agent-protocol.md).
 */
#pragma once
#include "pxe/ledger.h"

struct proving;
struct loop;

/* Listens on address:lab->ports.agents; the echo server too. */
int proving_start(const struct lab *lab, const char *address, struct ledger *ledger,
		  struct proving **ret_proving, struct err *err);
/* What it waits for goes into the round; handlers do the work. */
void proving_poll(struct proving *proving, struct loop *loop);
/* Time limits; seconds until the next, at most max. */
double proving_tick(struct proving *proving, double max);
void proving_end(struct proving *proving);
