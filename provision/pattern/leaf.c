/* The smallest guest that can prove itself: a kernel, busybox, and the agent as process 1, all in
 * one initramfs. */
#include "pattern/patterns.h"

const struct pattern leaf_pattern = {
	.name = "leaf",
	.summary = "A kernel and an initramfs with the agent as process 1; boots in seconds",
	.role = ROLE_GUEST,
	.initramfs = INITRAMFS_AGENT,
	.packages =
		(const struct pattern_packages[]){
			{ OS_DEBIAN, "bookworm",
			  (const char *const[]){ "linux-image-cloud-amd64", "busybox-static",
						 NULL } },
			{ OS_DEBIAN, "trixie",
			  (const char *const[]){ "linux-image-cloud-amd64", "busybox-static",
						 NULL } },
			{ 0 },
		},
	.initramfs_modules = (const char *const[]){ "xen-netfront", "xen-blkfront", "e1000",
						    "8139cp", "ahci", "sd_mod", NULL },
	.kernel_args = "quiet mitigations=off cryptomgr.notests",
};
