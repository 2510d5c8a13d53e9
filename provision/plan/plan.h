/* The plan: the ordered steps that turn a stack into images, what each reads and makes, and which
 * of them are done already. Making a plan writes nothing; building executes exactly the plan. */
#pragma once
#include "os/bootstrap.h"
#include "packages/lock.h"
#include "profile/stack.h"
#include "store/inputs.h"
#include "store/store.h"

enum step_kind {
	STEP_BOOTSTRAP, /* a base tree, in the store */
	STEP_MEDIUM,	/* an installer's medium, fetched and checked */
	STEP_INSTALL,	/* a disk that the installer made of it, in the store */
	STEP_COMPOSE,	/* a layer; the outermost one as out/l1.raw, the others put into it */
};

struct step {
	enum step_kind kind;
	char *name; /* "bootstrap xen-host bookworm", "compose l3pv" */
	struct inputs inputs;
	char key[HASH_HEX_LENGTH + 1];
	struct strv reads;   /* names of steps */
	char *makes;	     /* a path; "HOST:PATH" inside another layer */
	uint64_t size_bytes; /* of an image as its machine sees it; 0: not known before */
	bool cached;
	int hold;     /* stored: while the object is used nobody removes it; -1: not held */
	char *damage; /* of the store's object: what is wrong with it; or NULL */
	char *lack;   /* STEP_MEDIUM: why the medium cannot be read; or NULL */
	char *reason; /* why it is not cached; "" if it is */
	bool again;   /* asked for by name: made anew though it is there */
	const struct layer *layer;	   /* NULL: STEP_BOOTSTRAP */
	struct base_request base;	   /* STEP_BOOTSTRAP */
	char request[HASH_HEX_LENGTH + 1]; /* STEP_BOOTSTRAP: what a lock file knows it by */
	const struct package_list *locked; /* STEP_BOOTSTRAP: of the plan's lock, or NULL */
	/* STEP_COMPOSE: the base tree or the installed disk it stands on; STEP_INSTALL: its medium
	 */
	struct step *base_step;
	struct step *loader_step; /* STEP_COMPOSE: the tree of its boot loader, or NULL */
};

struct plan {
	const struct stack *stack; /* borrowed */
	struct store *store;	   /* borrowed */
	const struct lock *lock;   /* borrowed; or NULL */
	bool offline;		   /* nothing is fetched */
	char *out;		   /* the stack's folder */
	struct step **steps;	   /* trees first, then layers, the outermost first */
	size_t count;
	size_t first_compose;	/* steps from here on are the layers' */
	const char *image_lack; /* why the image cannot serve though no input changed */
};

struct plan_request {
	const struct stack *stack; /* outlives the plan, as do store and lock */
	struct store *store;
	const struct lock *lock; /* NULL: packages as the mirror has them then */
	const char *out;
	bool offline;
};

/* -EINVAL: the lock file is not of this stack. */
int plan_make(const struct plan_request *request, struct plan **ret_plan, struct err *err);
void plan_free(struct plan *plan);
void plan_cleanup(struct plan **plan);

/* The step that composes a layer; never NULL for a layer of the plan's stack. */
const struct step *plan_step_of(const struct plan *plan, const struct layer *layer);

/* To standard output: a table for people, or one JSON object. */
void plan_print(const struct plan *plan);
int plan_print_json(const struct plan *plan, struct err *err);

/* "bootstrap", "medium", ...: the first word of a step's name. */
const char *step_kind_name(enum step_kind kind);
/* True if the store keeps what such a step makes, as object BASE_KIND/KEY. */
bool step_is_stored(enum step_kind kind);

struct build_options {
	/* Of the machines that installers run in. NULL: the default, "auto", found by the driver.
	 */
	const struct l0_driver *driver;
	const char *accel, *bridge;
	const char *step; /* this step is done again, and what it needs before it; then the build
			   * ends. NULL: all that is not cached */
	bool resume; /* what a build before this one installed, but could not store, is taken */
};

/* Executes every step that is not cached. At the end out/l1.raw and out/build.json are there, if no
 * single step was asked for. -EBUSY if another build is at work in out; -EINTR if a signal asked to
 * stop; -EINVAL: the plan has no such step. What an installer left that failed is moved to
 * out/failed. */
int plan_build(struct plan *plan, const struct build_options *options, struct err *err);

/* Keeps builds out of a stack's folder as long as the descriptor is open, which the caller closes.
 * -EBUSY if one is at work there. */
int plan_lock_out(const char *out, int *ret_lock, struct err *err);
