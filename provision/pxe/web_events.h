/* The lab's changes as server-sent events (HTML standard, 9.2): an event "lab" with all of it, then
 * events "change" with the machines that changed, a few a second at most. Who cannot keep up gets
 * "lab" again.
 */
#pragma once
#include "pxe/ledger.h"
#include "pxe/web_http.h"

struct web_events;

/* Looks at the ledger from now on, while anybody listens. */
int web_events_start(struct ledger *ledger, struct web_watch *watch, struct web_events **ret_events,
		     struct err *err);
/* One more listener. */
void web_events_answer(struct web_events *events, struct http_answer *answer);
/* Once no listener is left. NULL is allowed. */
void web_events_stop(struct web_events *events);
