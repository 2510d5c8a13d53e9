/* The words that profiles use for enum values: one table each, for parsing, messages, the schema.
 */
#pragma once
#include "profile/stack.h"

/* Ends with NULL; the index is the enum value. */
extern const char *const role_names[];
extern const char *const hypervisor_names[];
extern const char *const os_family_names[];
extern const char *const machine_type_names[];
extern const char *const disk_bus_names[];
extern const char *const nic_model_names[];
extern const char *const table_kind_names[];
extern const char *const filesystem_kind_names[];
extern const char *const boot_loader_names[];

/* Index of a name, -1 if it is none of them. */
int name_index(const char *const *names, const char *name);
/* "host, guest"; the caller frees. */
char *names_list(const char *const *names);
