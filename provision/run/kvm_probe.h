/* Does a guest really run on /dev/kvm? Its presence proves nothing: KVM without hardware support
 * hangs in a guest's first instructions, or runs a boot sector and hangs in a kernel. So the
 * processor is asked, and a real guest is run, with a limit. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct kvm_host {
	const char *device; /* "/dev/kvm" */
	bool hardware;	    /* the processor has VMX or SVM */
};

/* This machine's. */
struct kvm_host kvm_host_find(void);

struct kvm_probe {
	pid_t pid; /* 0: not running */
	double started;
	char *verdict; /* in words, once it is known before any guest ran */
};

/* Starts the guest and returns at once; what speaks against it is found by kvm_probe_finish. */
void kvm_probe_start(struct kvm_probe *probe, const struct kvm_host *host);
/* Waits until the limit, counted from the start. True: a guest ran. ret_why says what was seen (the
 * caller frees). Frees the probe. */
bool kvm_probe_finish(struct kvm_probe *probe, double seconds, char **ret_why);
