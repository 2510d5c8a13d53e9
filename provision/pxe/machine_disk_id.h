/* What a disk calls itself, from the files that the kernel has of it. */
#pragma once
#include "base/str.h"

/* folder: "/sys/block/sda". serial "" if it tells none; ids are added as in /dev/disk/by-id. The
 * caller frees. */
void machine_disk_identify(const char *folder, const char *name, char **ret_model,
			   char **ret_serial, struct strv *ids);
/* A short text from a file in there, without blanks at its ends; "" if it cannot be read. The
 * caller frees. */
char *machine_disk_fact(const char *folder, const char *file);
