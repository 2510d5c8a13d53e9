/* A boot menu from elsewhere: a file, a URL, or another image. */
#pragma once
#include "grubfix/grubfix.h"

struct menu_source {
	enum grubfix_type type; /* GRUBFIX_LEGACY or GRUBFIX_GRUB_CFG */
	char *text;
	size_t length;
	char *name; /* for messages: of an image, with the path inside */
};

/* wanted: the type that is taken from an image that has both kinds. -EBADMSG: it is no boot menu,
 * or an image without one. menu_source_done it, after a failure too. */
int menu_source_read(const char *source, enum grubfix_type wanted, struct menu_source *ret_source,
		     struct err *err);
void menu_source_done(struct menu_source *source);
