/* Trying again: waits that grow, and an end. */
#pragma once
#include <stdbool.h>

struct patience {
	double until, seconds; /* on the monotonic clock; of the next wait */
};

struct patience patience_begin(double seconds);
/* Waits before the next try: a second, then twice as long each time, 30 at most. False, without a
 * wait: it has been tried for long enough. */
bool patience_wait(struct patience *patience);
