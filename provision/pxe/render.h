/* `nestctl pxe render`: what `pxe serve` would say and hand out, as files for DHCP, TFTP and HTTP
 * servers that are there already. Tokens in it never change, and nobody learns how far a machine
 * is.
 */
#pragma once
#include "pxe/images.h"

/* Before images are made: -EINVAL, the lab has what files alone cannot do (machines of any, no
 * address of the server); -EEXIST, the folder holds something. */
int pxe_render_check(const struct lab *lab, const char *folder, struct err *err);
/* Into a folder where nothing is; after a failure nothing is there either. Else as above. */
int pxe_render(const struct lab *lab, struct lab_images *images, const char *folder,
	       struct err *err);
