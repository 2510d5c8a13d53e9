/* The image, from wherever it can be had, onto the disk. */
#pragma once
#include "pxe/report.h"

/* disk: a descriptor, for writing; its first MiB is zero until all of the image is there and proven
 * by its hash. Mirrors are tried first, each from the beginning, then the lab's server; a transfer
 * that broke off goes on where it was. */
int image_write_from(const struct ticket *ticket, const struct lab_call *call, const char *ca_path,
		     int disk, struct report *report, struct err *err);
