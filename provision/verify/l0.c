#include "verify/l0.h"

#include <stddef.h>

const struct l0_nature *l0_nature(enum l0_kind kind)
{
	static const struct l0_nature natures[] = {
		[L0_TCG] = { "tcg", "QEMU TCG", "TCGTCGTCGTCG" },
		[L0_KVM] = { "kvm", "QEMU KVM", "KVMKVMKVM" },
		[L0_XEN] = { "xen", "HVM", "XenVMMXenVMM" },
		[L0_ANY] = { "any", "machine", NULL },
	};

	return &natures[kind];
}
