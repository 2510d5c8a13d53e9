#include "hypervisor.h"

#include <cpuid.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Linux arch/x86/include/asm/cpuid.h and Xen xen/include/public/arch-x86/cpuid.h: hypervisors
 * stand at multiples of 0x100 from here; one that shows Hyper-V's leaves first has its own after
 * them. */
#define LEAF_FIRST	 0x40000000u
#define LEAF_LAST	 0x40010000u
#define LEAF_STEP	 0x100u
#define LEAVES_MAX	 0x1000u    /* as far as a base's own last leaf may lie */
#define HYPERVISOR_BIT	 (1u << 31) /* leaf 1, ECX */
#define XEN_SIGNATURE	 "XenVMMXenVMM"
#define HYPERV_SIGNATURE "Microsoft Hv"

struct registers {
	uint32_t eax, ebx, ecx, edx;
};

static struct registers cpuid_ask(bool forced, uint32_t leaf)
{
	struct registers r = { leaf, 0, 0, 0 };

	if (forced) /* XEN_EMULATE_PREFIX: ud2; "xen" */
		__asm__ volatile(".byte 0x0f,0x0b,0x78,0x65,0x6e,0x0f,0xa2"
				 : "+a"(r.eax), "=b"(r.ebx), "+c"(r.ecx), "=d"(r.edx));
	else
		__cpuid_count(leaf, 0, r.eax, r.ebx, r.ecx, r.edx);
	return r;
}

/* False: no hypervisor stands at this leaf. */
static bool signature_read(bool forced, uint32_t leaf, char ret_signature[13])
{
	struct registers r = cpuid_ask(forced, leaf);

	memcpy(ret_signature, &r.ebx, 4);
	memcpy(ret_signature + 4, &r.ecx, 4);
	memcpy(ret_signature + 8, &r.edx, 4);
	ret_signature[12] = '\0';
	for (int i = 0; i < 12; i++)
		if (ret_signature[i] && (ret_signature[i] < 0x20 || ret_signature[i] > 0x7e))
			return false;
	/* KVM of old says 0 for its last leaf. A CPU without these leaves answers with those of
	 * its highest one, whose EAX is no leaf near this base. */
	return ret_signature[0] && (r.eax == 0 || (r.eax >= leaf && r.eax <= leaf + LEAVES_MAX));
}

void hypervisor_find(bool forced, struct hypervisor *ret_hypervisor)
{
	char signature[13];

	*ret_hypervisor = (struct hypervisor){ 0 };
	if (!forced && !(cpuid_ask(false, 1).ecx & HYPERVISOR_BIT))
		return;
	for (uint32_t leaf = LEAF_FIRST; leaf < LEAF_LAST; leaf += LEAF_STEP) {
		if (!signature_read(forced, leaf, signature))
			continue;
		memcpy(ret_hypervisor->signature, signature, sizeof signature);
		if (strcmp(signature, XEN_SIGNATURE) == 0) {
			uint32_t version = cpuid_ask(forced, leaf + 1).eax;

			snprintf(ret_hypervisor->version, sizeof ret_hypervisor->version, "%u.%u",
				 version >> 16, version & 0xffff);
		}
		if (strcmp(signature, HYPERV_SIGNATURE) != 0)
			return;
	}
}
