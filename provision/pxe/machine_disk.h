/* The disks of this machine, as the kernel tells them (/sys), and which of them a lab file means.
 * Without udev: its names in /dev/disk/by-id are made up in here, by its rules.
 */
#pragma once
#include "pxe/lab.h"

struct machine_disk {
	char *name; /* "sda" */
	uint64_t size_bytes;
	char *model, *serial; /* "" if it has none */
	struct strv ids;      /* as in /dev/disk/by-id */
	struct strv drivers;  /* modules between it and the processor: "sd_mod", "ahci" */
	char *unfit; /* why it is not written to whatever a lab file says; NULL: it may be */
};

struct machine_disks {
	struct machine_disk *items; /* by name */
	size_t count;
};

/* sys: "/sys", or what a test has in its place. machine_disks_done it, after a failure too. */
int machine_disks_read(const char *sys, struct machine_disks *ret_disks, struct err *err);
void machine_disks_done(struct machine_disks *disks);
/* All of them, for people: "sda (20GiB, serial A)"; the caller frees. */
char *machine_disks_text(const struct machine_disks *disks);

/* The one that wanted means; it holds min_bytes. Borrowed from disks. -ENODEV: none, -ENOTUNIQ:
 * more than one; the message lists all disks. */
int machine_disk_choose(const struct machine_disks *disks, const struct lab_disk *wanted,
			uint64_t min_bytes, const struct machine_disk **ret_disk, struct err *err);
