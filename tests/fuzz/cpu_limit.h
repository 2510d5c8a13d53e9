/* An input that takes five seconds of CPU time is one that breaks the program. Time by the clock
 * says nothing on a busy machine. */
#pragma once
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define INPUT_SECONDS 5

static void cpu_limit_reached(int number)
{
	(void)number;
	fputs("an input took more than 5 s of CPU time\n", stderr);
	abort();
}

/* From here on, until the next call. */
static inline void cpu_limit_start(void)
{
	const struct itimerval limit = { .it_value.tv_sec = INPUT_SECONDS };

	signal(SIGPROF, cpu_limit_reached);
	setitimer(ITIMER_PROF, &limit, NULL);
}
