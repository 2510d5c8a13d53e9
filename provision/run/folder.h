/* The folder of a built stack: where it is, what is in it, and who runs it.
 *     l1.raw      the product, never written to by a run
 *     logs/       NAME.log of every layer, qemu.log, supervisor.log
 *     run/        0700, of the running stack: control.sock, state.json, the disk overlay
 * The lock is an flock on run/ itself: no lock file, and it ends with its process. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "profile/stack.h"

#define FOLDER_DEFAULT_OUT "out"

struct run_folder { /* RUN_FOLDER_INIT before use; paths are absolute */
	char *path, *run, *logs;
	int lock; /* descriptor of run/, locked; -1: not ours */
};

#define RUN_FOLDER_INIT                                                                            \
	{                                                                                          \
		.lock = -1                                                                         \
	}

/* Which stack a verb's operand means: a folder with l1.raw in it, a stack file (then OUT/NAME,
 * NAME as the stack says), or the name of a stack in OUT. out NULL: "out" in the current folder.
 * ret_folder: the caller frees. ret_stack (NULL: not wanted) gets the stack itself, read from the
 * file or from the one that the folder was built from. -ENOENT: nothing is there. */
int folder_find(const char *operand, const char *out, char **ret_folder, struct stack **ret_stack,
		struct err *err);

/* Leaves a link to the stack file in the folder, so that `nestctl up FOLDER` finds it. Best effort.
 */
void folder_link_stack(const char *folder, const struct stack *stack);

/* Takes the folder for a run: makes run/ and logs/, locks, removes what a run that died left
 * behind. -EBUSY: the stack is running. */
int run_folder_open(const char *path, struct run_folder *ret_folder, struct err *err);
/* Removes what belongs to the run, keeps an overlay that is to be kept, unlocks. */
void run_folder_close(struct run_folder *folder);
/* Frees without touching anything: another process goes on with the folder. */
void run_folder_drop(struct run_folder *folder);
/* -EBUSY with a message if the stack in that folder is running, else 0. */
int run_folder_check_idle(const char *path, struct err *err);

/* The disk of the run: "qcow2" over l1.raw, or "raw", a copy of it. Made new unless keep is set,
 * fresh is not, and the one that is there stands on this very l1.raw. Returns its name inside run/.
 */
int run_folder_overlay(const struct run_folder *folder, const char *format, bool keep, bool fresh,
		       const char **ret_name, struct err *err);
