/* What L0 can be, as far as a proof cares: how it shows itself to a guest, and what it is called.
 */
#pragma once

enum l0_kind { L0_TCG, L0_KVM, L0_XEN };

struct l0_nature {
	const char *accelerator; /* "tcg", "kvm", "xen" */
	const char *guest_type;	 /* of L1: "QEMU TCG", "HVM" */
	const char *hypervisor;	 /* CPUID signature that L1 sees, "TCGTCGTCGTCG" */
};

const struct l0_nature *l0_nature(enum l0_kind kind);
