/* Time limits: a machine that is silent for too long shows an error. Its stage and decision stay:
 * it may speak again.
 */
#include <string.h>

#include "pxe/ledger_change.h"

#define BOOTING_SECONDS	   600 /* kernel and initrd over the network, then the first word */
#define INSTALLING_SECONDS 600 /* between two reports of the image way */
#define STARTING_SECONDS   600 /* besides what the layer's profile allows */

/* 0: the stage may last. */
static time_t limit_seconds(const struct facts *facts, const struct lab_machine *machine)
{
	const struct layer *l1 = machine->stack->layers[0];

	switch (facts->stage) {
	case MACHINE_BOOTING:
		return BOOTING_SECONDS;
	case MACHINE_INSTALLING: /* a vendor's installer reports its end alone */
		return machine->way == LAB_ANSWERS ? (time_t)l1->install.timeout_seconds
						   : INSTALLING_SECONDS;
	case MACHINE_INSTALLED:
	case MACHINE_STARTING:
		if (!*facts->agent_tokens) /* it is none of ours */
			return 0;
		return STARTING_SECONDS + (time_t)l1->boot_timeout_seconds;
	default:
		return 0;
	}
}

static void check(struct ledger *ledger, struct place *place, time_t now)
{
	struct change change;
	struct err ignored = { 0 };

	change_begin(&change, ledger, place);
	time_t limit = limit_seconds(&change.next, place->machine);
	if (limit == 0 || change.next.late || *change.next.error ||
	    now - change.next.heard < limit) {
		change_drop(&change);
		return;
	}
	change.next.late = true;
	change.fast = true; /* the next look finds it again */
	snprintf(change.next.error, sizeof change.next.error,
		 "%s, and silent for %lld minutes: look at its screen",
		 ledger_stage_text(change.next.stage), (long long)(now - change.next.heard) / 60);
	change_end(&change, &ignored);
	err_clear(&ignored);
}

void ledger_tick(struct ledger *ledger, time_t now)
{
	for (size_t i = 0; i < ledger->lab->machine_count; i++)
		check(ledger, &ledger->places[i], now);
	strangers_keep(ledger, false);
}
