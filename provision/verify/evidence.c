#include "verify/evidence.h"

#include <strings.h>

#include "base/str.h"

#define XEN_SIGNATURE "XenVMMXenVMM"

static void reason_compare(struct buf *reasons, const char *what, const char *found,
			   const char *wanted)
{
	if (str_equal(found, wanted))
		return;
	buf_format(reasons, "%s%s is %s, not %s", reasons->length ? "; " : "", what,
		   *found ? found : "not given", wanted);
}

static bool runs_on_xen(const struct expectation *expected)
{
	const struct layer *layer = expected->layer;

	if (!layer->outer && str_equal(expected->l0_hypervisor, XEN_SIGNATURE))
		return true;
	return layer->hypervisor == HYPERVISOR_XEN ||
	       (layer->outer && layer->outer->hypervisor == HYPERVISOR_XEN);
}

/* What /sys/hypervisor/guest_type says: a Xen host's own kernel is a PV dom0, whatever the machine
 * is that its Xen runs on. */
static const char *guest_type_wanted(const struct layer *layer)
{
	if (layer->hypervisor == HYPERVISOR_XEN)
		return "PV";
	switch (layer->machine.type) {
	case MACHINE_PV:
		return "PV";
	case MACHINE_PVH:
		return "PVH";
	case MACHINE_HVM:
		break;
	}
	return "HVM";
}

static void identity_judge(const struct expectation *expected, const struct record *record,
			   struct buf *reasons)
{
	const struct layer *layer = expected->layer;

	if (record->depth != layer->depth)
		buf_format(reasons, "its depth is %u, not %u", record->depth, layer->depth);
	if (!runs_on_xen(expected)) {
		if (expected->l0_hypervisor)
			reason_compare(reasons, "the hypervisor that CPUID shows", record->cpuid,
				       expected->l0_hypervisor);
		return;
	}
	if (layer->hypervisor == HYPERVISOR_XEN && !*record->xen_type) {
		buf_format(reasons, "%splain Linux runs, not Xen (no /sys/hypervisor)",
			   reasons->length ? "; " : "");
		return;
	}
	reason_compare(reasons, "/sys/hypervisor/type", record->xen_type, "xen");
	reason_compare(reasons, "the hypervisor that CPUID shows", record->cpuid, XEN_SIGNATURE);
	reason_compare(reasons, "the domain", record->xen_role,
		       layer->hypervisor == HYPERVISOR_XEN ? "dom0" : "domU");
	reason_compare(reasons, "the guest type", record->guest_type, guest_type_wanted(layer));
}

static bool network_judge(const struct expectation *expected, const struct record *record,
			  struct buf *reasons)
{
	if (*record->address && strcasecmp(record->echo, expected->echo) == 0)
		return true;
	buf_format(reasons, "%sno network: ", reasons->length ? "; " : "");
	if (*record->network_error)
		buf_text(reasons, record->network_error);
	else if (!*record->address)
		buf_text(reasons, "no address");
	else
		buf_text(reasons, *record->echo ? "the echo is not the one that L0 sent"
						: "no echo from L0");
	return false;
}

void evidence_judge(const struct expectation *expected, const struct record *record,
		    struct evidence *ret_evidence)
{
	struct buf reasons = { 0 };

	*ret_evidence = (struct evidence){ 0 };
	if (!str_equal(record->nonce, expected->nonce) ||
	    !str_equal(record->path, expected->path)) {
		ret_evidence->reason = str_copy("a record of another run or layer: ignored");
		return;
	}
	ret_evidence->counts = true;
	identity_judge(expected, record, &reasons);
	ret_evidence->identity = reasons.length == 0;
	ret_evidence->network = network_judge(expected, record, &reasons);
	ret_evidence->proven = ret_evidence->identity && ret_evidence->network;
	ret_evidence->reason = str_copy(buf_str(&reasons));
	buf_done(&reasons);
}

void evidence_done(struct evidence *evidence)
{
	free(evidence->reason);
	*evidence = (struct evidence){ 0 };
}
