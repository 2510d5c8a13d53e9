/* Names that a layer's parts must agree on: identifiers, kernel files, command lines. Pure. */
#pragma once
#include "profile/stack.h"

/* The times that composed files bear, so that the same input gives the same bytes:
 * SOURCE_DATE_EPOCH where it is set. */
int64_t compose_time_seconds(void);

/* A stable UUID of a part ("root", "swap1", "disk", "machine") of a layer of a stack. */
void compose_uuid(const char *stack_name, const struct layer *layer, const char *part,
		  uint8_t ret_uuid[16]);
/* As text; the caller frees. */
char *compose_uuid_text(const char *stack_name, const struct layer *layer, const char *part);
/* The part of a partition: "root" for the one mounted at "/", else "part" and its number from 1.
 * The caller frees. */
char *compose_partition_part(const struct disk_spec *disk, size_t index);

/* The 32-bit identifier of a FAT file system that gets this UUID; "ABCD-1234" in fstab. */
uint32_t compose_fat_id(const uint8_t uuid[16]);

/* Arguments of the hypervisor; of Linux on it (dom0), on the machine itself, or as a guest that
 * its host boots directly. The caller frees. */
char *hypervisor_arguments(const struct layer *layer);
char *dom0_arguments(const struct layer *layer);
char *linux_arguments(const struct layer *layer);
char *direct_boot_arguments(const char *stack_name, const struct layer *layer);
