#include "pxe/patience.h"

#include <time.h>

#include "base/log.h"

#define FIRST_SECONDS	1.0
#define LONGEST_SECONDS 30.0

struct patience patience_begin(double seconds)
{
	return (struct patience){ clock_seconds() + seconds, FIRST_SECONDS };
}

bool patience_wait(struct patience *patience)
{
	double wait = patience->seconds;

	if (clock_seconds() + wait > patience->until)
		return false;
	nanosleep(&(struct timespec){ (time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9) },
		  NULL);
	patience->seconds = 2 * wait < LONGEST_SECONDS ? 2 * wait : LONGEST_SECONDS;
	return true;
}
