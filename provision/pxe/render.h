/* `nestctl pxe render`: what `pxe serve` would say and hand out, as files for DHCP, TFTP and HTTP
 * servers that are there already. Tokens in it never change, and nobody learns how far a machine
 * is.
 */
#pragma once
#include "pxe/images.h"

struct render_request {
	const struct lab *lab;
	struct lab_images *images;
	const char *folder; /* to be written; its own folder is new, or empty */
	bool offline;	    /* no medium is fetched */
};

/* Before images are made: -EINVAL, the lab has what files alone cannot do (machines of any, no
 * address of the server); -EEXIST, the folder holds something. */
int pxe_render_check(const struct lab *lab, const char *folder, struct err *err);
/* After a failure the folder is not there. */
int pxe_render(const struct render_request *request, struct err *err);
