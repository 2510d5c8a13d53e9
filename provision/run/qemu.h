/* QEMU as L0. */
#pragma once
#include "run/driver.h"

extern const struct l0_driver qemu_driver;

/* Descriptors that QEMU inherits: its ends of the three connections. */
struct qemu_ends {
	int control, console, channel;
};

/* The command line for L1; pure. Appended to argv. */
void qemu_argv(const struct l0_request *request, const struct qemu_ends *ends, struct strv *argv);
