/* What a boot loader prepares without looking at an image (GRUB's core image takes a compressor's
 * time) is made by a thread of its own while the file systems are filled. */
#pragma once
#include "bootloader/bootloader.h"

struct loader_job;

/* root_uuid is copied. */
int loader_job_begin(const struct bootloader *loader, const char *root_uuid,
		     struct loader_job **ret_job, struct err *err);
/* Waits; what was prepared belongs to the job. data NULL: the loader prepares nothing. */
int loader_job_wait(struct loader_job *job, struct boot_part *ret_prepared, struct err *err);
/* Waits and frees; NULL is allowed. */
void loader_job_free(struct loader_job *job);
void loader_job_cleanup(struct loader_job **job);
