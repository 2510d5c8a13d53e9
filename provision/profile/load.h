/* For those who load many stacks at a time: the machines of a lab. */
#pragma once
#include "profile/diagnostic.h"

/* Who a stack's outermost layer is, whatever its file says. Borrowed. */
struct stack_identity {
	const char *stack_name; /* all that is derived (MACs, UUIDs) depends on it */
	const char *host_name;
	const char *mac; /* "": as in the file, else derived */
};

/* Like stack_load, but what is wrong is added to the diagnostics, which know the files by the names
 * that the stack keeps. Never NULL; the caller owns it, and frees it after the diagnostics. */
struct stack *stack_load_for_machine(const char *path, const struct stack_identity *identity,
				     struct diagnostics *diagnostics);

/* The MAC of a layer that is given none; another one for each attempt. The caller frees. */
char *mac_derive(const char *stack_name, const char *layer_name, unsigned attempt);

/* "xen-l3" from profiles/xen-l3.yaml; the caller frees. */
char *name_of_file(const char *path);
