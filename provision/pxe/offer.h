/* What each machine of the lab is offered: its boot text, the netboot system, its ticket and image,
 * or its vendor's files and answers. The web server asks (struct web_source), from its threads.
 */
#pragma once
#include "pxe/images.h"
#include "pxe/web.h"

struct vendor;

struct offer_request { /* all of it outlives the offer */
	const struct lab *lab;
	const char *address; /* of this server in the lab */
	const char *folder;  /* netboot/, tftp/boot/ and media/ are in there */
	struct ledger *ledger;
	const struct lab_images *images;
	const struct vendor *vendor;
};

struct offer;

struct offer *offer_new(const struct offer_request *request);
void offer_cleanup(struct offer **offer);
/* Borrows the offer. */
const struct web_source *offer_source(const struct offer *offer);
