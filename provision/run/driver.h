/* L0 drivers: what can run L1. One file a driver, one row in drivers[] of driver.c. */
#pragma once
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "guest/xl.h"
#include "profile/stack.h"
#include "run/qmp.h"

/* Phase one: an installer runs in the place of what is on the disk. Paths are absolute. */
struct l0_install {
	const char *disk; /* raw; it is written to */
	struct guest_installer installer;
};

/* Where L1 is plugged in, and how it reaches this machine. */
struct l0_network {
	char bridge[IFNAMSIZ];	      /* "": the driver has a network of its own */
	char listen[INET_ADDRSTRLEN]; /* the address of this machine that the echo server takes */
	char guests[INET_ADDRSTRLEN]; /* how a layer names it */
};

struct l0_request {
	const struct layer *layer; /* L1 */
	const char *run_folder;	   /* absolute; the machine's working folder */
	const char *log_folder;	   /* absolute; the driver writes NAME.log (console) and qemu.log,
				    * of an installer NAME-install.log and NAME-install-qemu.log */
	const char *overlay;	   /* name of the disk image in run_folder */
	const struct l0_install *install; /* NULL: the overlay boots */
	const char *bridge;		  /* of l0_network */
	bool kvm;
	bool throw_away; /* the overlay is removed afterwards: its writes need not be safe */
};

struct l0_machine {		   /* L0_MACHINE_INIT before use */
	pid_t pid;		   /* 0: none */
	int pidfd;		   /* readable when it ended */
	int console;		   /* byte stream of the first serial port */
	int channel;		   /* byte stream of the second, the agent's */
	struct qmp *control;	   /* QEMU's; NULL: none */
	struct xen_domain *domain; /* Xen's; NULL: none */
	const char *name;	   /* of the domain; borrowed from the request's layer */
};

#define L0_MACHINE_INIT                                                                            \
	{                                                                                          \
		.pidfd = -1, .console = -1, .channel = -1                                          \
	}

/* Why a machine ended. */
enum l0_end { L0_END_UNKNOWN, L0_END_POWER_OFF, L0_END_RESET, L0_END_CRASH, L0_END_WATCHDOG };

struct l0_driver {
	const char *name;
	const char *program; /* whose end is the machine's, for messages: "QEMU" */
	bool is_xen;	     /* L1 is a domU */
	bool writes_log;     /* of the console; else whoever reads it does */
	/* Decides on the accelerator: wanted is "auto", "tcg" or "kvm". -EINVAL for another,
	 * -ENODEV for one that was asked for and does not work. ret_why says it in words (the
	 * caller frees). */
	int (*probe)(const char *wanted, bool *ret_kvm, char **ret_why, struct err *err);
	/* Of the disk that a run writes to, l1.raw being another: "qcow2" over it, or "raw", a
	 * copy. NULL: qcow2. */
	const char *(*disk_format)(void);
	/* bridge: as the person named it, or NULL. */
	int (*network)(const char *bridge, struct l0_network *ret_network, struct err *err);
	/* Can L1 run here, now? -EINVAL: its profile asks for what the driver lacks. NULL: what
	 * there is to look at, the preflight does. */
	int (*check)(const struct layer *layer, struct err *err);
	/* Power on. The machine dies with us. */
	int (*start)(const struct l0_request *request, struct l0_machine *ret_machine,
		     struct err *err);
	/* Asks the machine's program to end now, without the guest's consent. */
	void (*quit)(struct l0_machine *machine);
	/* Ends it within the time, closes everything; a machine that was never started is allowed.
	 */
	void (*stop)(struct l0_machine *machine, unsigned grace_ms);
	/* For whoever reaped the machine's program: why the machine ended. Warns of what is left.
	 * NULL: its control connection tells. */
	enum l0_end (*end)(const struct l0_machine *machine, int wait_status);
};

/* "it powered itself off"; NULL: nobody knows. */
const char *l0_end_text(enum l0_end end);
/* What the events of a control connection say, which are taken; of several the last, of none end
 * itself. */
enum l0_end l0_end_of_events(struct qmp *control, enum l0_end end);

/* The driver for stacks that name none: the first row. */
const struct l0_driver *l0_driver_default(void);
/* NULL name: the default. -EINVAL, with the names that there are. */
int l0_driver_find(const char *name, const struct l0_driver **ret_driver, struct err *err);
