/* What the formats share, besides their rows. */
#pragma once
#include "answers/answers.h"

extern const struct answers_format autoyast_format;
extern const struct answers_format kickstart_format;
extern const struct answers_format preseed_format;
extern const struct answers_format esxi_format;
extern const struct answers_format xcp_ng_format;
extern const struct answers_format proxmox_format;

#define NONE_OF_PACKAGES "none: its installer takes no packages"
#define NONE_OF_DISK	 "none: its installer partitions the disk by itself"
#define NONE_OF_LOADER	 "none: its installer sets up the boot loader by itself"

/* Rows of limits[] for systems that come as a whole: nothing can be told of packages, partitions
 * and boot loader. */
#define APPLIANCE_LIMITS                                                                           \
	{ "os.packages", NULL, NONE_OF_PACKAGES }, { "os.groups", NULL, NONE_OF_PACKAGES },        \
		{ "disk.partitions", NULL, NONE_OF_DISK }, { "disk.table", NULL, NONE_OF_DISK },   \
		{ "boot.loader", NULL, NONE_OF_LOADER },                                           \
		{ "boot.hypervisor_args", NULL, NONE_OF_LOADER },                                  \
		{ "boot.kernel_args", NULL, NONE_OF_LOADER },                                      \
	{                                                                                          \
		"boot.menu_timeout", NULL, NONE_OF_LOADER                                          \
	}

/* For a shell, behind "COMMAND &": its exit status, or that of its end after half a minute. The
 * wget of an installer's busybox knows no time limit, and there is no timeout. */
#define SHELL_WAIT                                                                                 \
	"w=$! s=0; while kill -0 $w 2> /dev/null && [ $s -lt 30 ]; do sleep 1; s=$((s+1)); done; " \
	"kill $w 2> /dev/null; wait $w"

struct answers_check {
	const struct layer *layer;
	const struct answers_format *format;
	const struct answers_release *release;
	struct diagnostics *diagnostics;
};

/* Adds "KEY: ..." at the key's place in the profile. */
void answers_wrong(const struct answers_check *check, const char *key, const char *text, ...)
	__attribute__((format(printf, 3, 4)));

/* For formats in which every file system has a mount point. */
void answers_need_mounts(const struct answers_check *check);

/* How each emit begins: checks the layer and finds its release. -EINVAL as emit's. */
int answers_begin(const struct answers_format *format, const struct layer *layer,
		  const struct answers_release **ret_release, struct err *err);
