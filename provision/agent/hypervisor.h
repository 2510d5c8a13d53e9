/* The hypervisor that the CPU shows: CPUID leaf 0x40000000 and on. */
#pragma once
#include <stdbool.h>

struct hypervisor {
	char signature[13]; /* "XenVMMXenVMM"; "" without one */
	char version[24];   /* "4.17" where it is Xen; "" elsewhere */
};

/* forced: ask through Xen's emulation prefix. Only in a PV domain, where the nearest Xen answers;
 * anywhere else it is an invalid instruction. */
void hypervisor_find(bool forced, struct hypervisor *ret_hypervisor);
