/* A stack as structs, for tests that need no profile: L1 and L2 are Xen hosts, L3 is a PV guest. */
#pragma once
#include "profile/stack.h"

#define FIXTURE_PATHS "l1:host,l1/l2:host,l1/l2/l3:pv"

struct fixture {
	struct stack stack;
	struct layer layers[3];
	struct layer *pointers[3];
	struct layer *inner[2];
};

static inline void fixture_make(struct fixture *fixture)
{
	static char names[3][3] = { "l1", "l2", "l3" };
	static char empty[] = "", bridge[] = "br0", mac[] = "00:16:3e:00:00:01";
	static char release[] = "bookworm", stack_name[] = "fixture";

	*fixture = (struct fixture){
		.stack = { .name = stack_name, .own_name = stack_name, .layer_count = 3 }
	};
	for (unsigned i = 0; i < 3; i++) {
		struct layer *layer = &fixture->layers[i];

		layer->name = names[i];
		layer->depth = i + 1;
		layer->outer = i ? &fixture->layers[i - 1] : NULL;
		layer->role = i < 2 ? ROLE_HOST : ROLE_GUEST;
		layer->hypervisor = i < 2 ? HYPERVISOR_XEN : HYPERVISOR_NONE;
		layer->machine.type = i < 2 ? MACHINE_HVM : MACHINE_PV;
		layer->machine.vcpus = 1;
		layer->machine.memory_bytes = (uint64_t)64 << 20;
		layer->machine.mac = mac;
		layer->network.bridge = i < 2 ? bridge : empty;
		layer->release = release;
		layer->boot_timeout_seconds = 300;
		layer->proof_timeout_seconds = 300;
		fixture->pointers[i] = layer;
		if (i < 2) {
			fixture->inner[i] = &fixture->layers[i + 1];
			layer->inner = &fixture->inner[i];
			layer->inner_count = 1;
		}
	}
	fixture->stack.layers = fixture->pointers;
}
