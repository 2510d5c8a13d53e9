#include "packages/progress.h"

#include "base/cleanup.h"
#include "base/str.h"

#define SAMPLE_SECONDS 1.0
#define SMOOTHING      0.3 /* share of the newest sample */
#define IN_SECONDS     90.0
#define IN_MINUTES     5400.0
#define MIB	       ((double)(1 << 20))
#define KIB	       1024.0
#define MIB_FROM_RATE  (100 * KIB)

void progress_take(struct progress *progress, double now_seconds, uint64_t got_bytes)
{
	double seconds = now_seconds - progress->sampled_seconds;

	if (progress->sampled_seconds <= 0) {
		progress->sampled_seconds = now_seconds;
		progress->sampled_bytes = got_bytes;
		return;
	}
	if (seconds < SAMPLE_SECONDS)
		return;
	double rate = (double)(got_bytes - progress->sampled_bytes) / seconds;
	progress->rate =
		progress->rate > 0 ? progress->rate + SMOOTHING * (rate - progress->rate) : rate;
	progress->sampled_seconds = now_seconds;
	progress->sampled_bytes = got_bytes;
}

static char *left_text(double seconds)
{
	if (seconds < IN_SECONDS)
		return str_format("%.0f s left", seconds);
	if (seconds < IN_MINUTES)
		return str_format("%.0f min left", seconds / 60);
	return str_format("%.1f h left", seconds / 3600);
}

char *progress_text(const struct progress *progress, uint64_t done_bytes, uint64_t wanted_bytes)
{
	uint64_t left_bytes = wanted_bytes > done_bytes ? wanted_bytes - done_bytes : 0;
	struct buf text = { 0 };

	buf_format(&text, "%.0f of %.0f MiB", (double)done_bytes / MIB, (double)wanted_bytes / MIB);
	if (progress->rate <= 0)
		return text.data;
	CLEANUP(free_cleanup) char *left = left_text((double)left_bytes / progress->rate);
	if (progress->rate < MIB_FROM_RATE)
		buf_format(&text, ", %.0f KiB/s, %s", progress->rate / KIB, left);
	else
		buf_format(&text, ", %.1f MiB/s, %s", progress->rate / MIB, left);
	return text.data;
}
