/* Which product a medium is: a table of the files that say so. */
#pragma once
#include "media/contents.h"
#include "profile/stack.h"

struct recognized {
	enum os_family_id family;
	char *name, *version;  /* owned; "" where the medium does not say */
	char *kernel, *initrd; /* as the medium itself names them; NULL: it does not */
};

/* -EBADMSG: none that is known; the message says what was looked for. recognized_done it. */
int medium_recognize(const struct contents *contents, struct recognized *ret_product,
		     struct err *err);
void recognized_done(struct recognized *product);
