/* The core: L0's machine as it is known to nest, flag by flag with its reason. Data
 * and the functions that spell it for QEMU. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct cpu_flag {
	const char *flag;   /* "-smap" */
	const char *reason; /* what happens without it */
};

const struct cpu_flag *core_cpu_flag(size_t index); /* NULL after the last */
/* -cpu for the accelerator; the caller frees. */
char *core_cpu(bool kvm);
/* -accel for the accelerator. */
const char *core_accel(bool kvm);
