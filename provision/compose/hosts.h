/* The way to a layer's place: the disks and file systems of the hosts around it, opened one inside
 * the other. */
#pragma once
#include "compose/volumes.h"

struct hosts;

/* Opens the disk of a complete host, through those around it; image is the outermost one's. */
int hosts_open(struct image *image, const struct layer *host, struct hosts **ret_hosts,
	       struct err *err);
/* Of the host that was asked for. */
struct volumes *hosts_volumes(struct hosts *hosts);
/* Writes what is pending, from the inside out, and frees; also on failure. */
int hosts_close(struct hosts *hosts, struct err *err);
void hosts_cleanup(struct hosts **hosts);

/* Where a host keeps what belongs to a guest, and the guest's disk; the caller frees. */
char *host_guest_folder(const struct layer *guest);
char *host_guest_disk(const struct layer *guest);
