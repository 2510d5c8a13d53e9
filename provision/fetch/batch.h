/* Many transfers at a time over few connections, by libcurl. What comes of them, and whether one is
 * tried again, is the caller's. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fetch_batch;
struct fetch_try; /* one transfer, from its start to its end */

/* No more than so many connections to one host. */
int fetch_batch_open(unsigned connections, struct fetch_batch **ret_batch, struct err *err);
/* After all of its tries were dropped. NULL is allowed. */
void fetch_batch_close(struct fetch_batch *batch);

struct fetch_wish {
	const char *url;       /* http, https, ftp or file; outlives the try */
	const char *proxy;     /* NULL: what the environment says; "": none */
	uint64_t offset_bytes; /* where to begin */
	unsigned slow_seconds; /* slower than 4 KiB/s for so long, and it ends */
	/* The next bytes; false ends the try. */
	bool (*add)(void *context, const void *data, size_t length);
	void *context;
};

/* Moves with fetch_batch_run; fetch_try_drop it. -EIO: libcurl cannot start one; what comes of the
 * address fetch_try_end tells. */
int fetch_try_start(struct fetch_batch *batch, const struct fetch_wish *wish,
		    struct fetch_try **ret_try, struct err *err);
/* Running or ended; *one becomes NULL. */
void fetch_try_drop(struct fetch_try **one);

/* Moves what can be moved; where nothing can, waits for so long. */
int fetch_batch_run(struct fetch_batch *batch, unsigned wait_ms, struct err *err);
/* The context of a try that has ended, each once; NULL: no other has. */
void *fetch_batch_ended(struct fetch_batch *batch);

/* From the first bytes on: how many the answer has in all, as the server says; -1: it does not. */
int64_t fetch_try_length(const struct fetch_try *one);

enum fetch_end {
	FETCH_WHOLE,	 /* the answer came to its end */
	FETCH_BROKEN,	 /* a moment later it may go better; or add ended it */
	FETCH_SLOW,	 /* as the wish has it */
	FETCH_GONE,	 /* the server has no such file, and will not have it a moment later */
	FETCH_NO_RANGES, /* it cannot begin at the offset */
	FETCH_ASTRAY,	 /* it led on and on */
};

/* All of these of a try that has ended; the texts are valid until it is dropped. */
enum fetch_end fetch_try_end(const struct fetch_try *one);
const char *fetch_try_problem(const struct fetch_try *one); /* libcurl's words */
const char *fetch_try_address(const struct fetch_try *one); /* that redirects led to; or NULL */
const char *fetch_try_type(const struct fetch_try *one);    /* media type, or NULL */
