/* What a layer's agent says of itself (docs/agent-protocol.md, "The record"), out of its JSON.
 * Knows nothing of what the stack expects: verify/evidence.h compares. */
#pragma once
#include "base/err.h"

struct record { /* every string is owned and never NULL; "" for what the record leaves out */
	char *path;
	char *nonce;
	unsigned depth;
	char *os;
	char *cpuid;	   /* hypervisor signature of CPUID leaf 0x40000000, "XenVMMXenVMM" */
	char *xen_type;	   /* /sys/hypervisor/type, "xen" */
	char *xen_version; /* "4.17.7" */
	char *xen_role;	   /* "dom0" or "domU" */
	char *guest_type;  /* "PV", "HVM", "PVH" */
	char *address, *driver, *echo, *network_error;
	char *json; /* the whole message in one line */
};

/* -EBADMSG: no JSON object, or without path or nonce. The caller owns *ret_record. */
int record_parse(const char *json, struct record **ret_record, struct err *err);
void record_free(struct record *record);
void record_cleanup(struct record **record);
