/* How far a fetch is, as one line for a terminal. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct progress { /* zeroed, then progress_take now and then */
	double sampled_seconds;
	uint64_t sampled_bytes;
	double rate; /* bytes a second, smoothed; 0: not known yet */
};

/* got_bytes: all that came so far, as of now. */
void progress_take(struct progress *progress, double now_seconds, uint64_t got_bytes);
/* "12 of 80 MiB, 3.5 MiB/s, 19 s left"; the caller frees. */
char *progress_text(const struct progress *progress, uint64_t done_bytes, uint64_t wanted_bytes);
