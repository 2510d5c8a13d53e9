/* One package on its way into the store: its part file there, tries at the mirrors in turn, the
 * check at the end. Of other packages it knows only which mirrors failed them; fetch.c runs many.
 */
#pragma once
#include <stdbool.h>

#include "fetch/batch.h"
#include "packages/list.h"
#include "packages/sources.h"
#include "store/packages.h"

enum transfer_state { TRANSFER_WAITING, TRANSFER_RUNNING, TRANSFER_FINISHED };

/* A source as all transfers of a fetch see it. */
struct mirror {
	const struct package_source *source; /* borrowed */
	size_t failures; /* in a row, whatever the package: who fails is asked last */
};

/* What one mirror did for one package. */
struct attempt {
	struct mirror *mirror; /* borrowed */
	unsigned tries;	       /* that failed */
	unsigned strikes;      /* what they count: no more than STRIKES_MAX */
	bool gone;	       /* it has no such file, and will not have it a moment later */
	bool no_ranges;	       /* it cannot resume */
	char *reason;	       /* "URL: why", of the last try; or NULL */
};

enum transfer_fault { FAULT_NONE, FAULT_OTHER_SIZE, FAULT_UNWRITABLE };

struct transfer {
	const struct store *store;     /* borrowed */
	const struct package *package; /* borrowed */
	enum transfer_state state;
	double not_before_seconds;   /* waiting: on the clock of clock_seconds */
	double locked_since_seconds; /* another build is at work on it; 0: it is not */
	struct attempt *attempts;
	size_t attempt_count;
	char *part;			  /* path */
	int fd;				  /* of it, locked while it is ours; or -1 */
	uint64_t offset_bytes, got_bytes; /* in the part; of this run */
	uint64_t best_bytes;		  /* that ever were in the part when a try failed */

	/* Of the running try: */
	struct attempt *attempt;
	struct fetch_try *request;
	char *url;
	bool resumed;  /* what was there before is built upon */
	bool answered; /* the first of its bytes came */
	enum transfer_fault fault;
	uint64_t announced_bytes; /* FAULT_OTHER_SIZE: of the whole file */
	int write_errno;	  /* FAULT_UNWRITABLE */
};

/* mirrors, one at least, outlive it, as do store and package. Those of the package's suite are
 * asked; where there is none, all: a mirror may keep all suites in one place. transfer_done it. */
void transfer_init(struct transfer *transfer, const struct store *store,
		   const struct package *package, struct mirror *mirrors, size_t mirror_count);
void transfer_done(struct transfer *transfer);

/* Starts a waiting one, or looks at it again later where another build is at work on it
 * (-ETIMEDOUT: for too long). It may be finished at once: by that build, or by an earlier one that
 * was stopped before the last step. */
int transfer_start(struct transfer *transfer, struct fetch_batch *batch, struct err *err);
/* A try has ended, well or not: it is finished, waiting, or given up. -ENOENT: no mirror has the
 * package. -EIO: no mirror could give it. The error has each address with the reason. */
int transfer_end(struct transfer *transfer, struct err *err);
