/* A stack's own files, gathered: the stack file, the profiles and what they name, each at the same
 * place as seen from the others. */
#pragma once
#include "profile/stack.h"

/* Copies them and the lock file below folder (which is there, and empty). ret_stack is the stack
 * file's place, relative to folder; the caller frees. -EINVAL if a file names another by an
 * absolute path, which means nothing on another machine. */
int lab_gather(const struct stack *stack, const char *lock_path, const char *folder,
	       char **ret_stack, struct err *err);
