/* What busybox udhcpc learnt, put in place: called by it in the place of a shell script, because a
 * shell and its programs are a second of start-up on a machine emulated three levels deep. */
#pragma once

/* event is what udhcpc says happened; the rest stands in the environment (udhcpc(1): interface,
 * ip, mask, router, dns). Exit status. */
int lease_apply(const char *event);
