/* Errors: a negative errno for the program and a message for the person.
 * Set where the failure is seen, wrapped on the way up, printed by main.c alone. */
#pragma once
#include "base/cleanup.h"

struct err {
	int code;   /* negative errno, 0 while nothing failed */
	char *text; /* owned; NULL while nothing failed */
};

/* Records a failure at its origin; the message names object, action, reason and remedy.
 * A second call replaces the first. err may be NULL. Returns code. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Like err_set, with ": " and the text of the errno value (positive) appended. Returns -errnum. */
int err_errno(struct err *err, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "what we were doing: " in front of the message. Returns code. */
int err_wrap(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Forgets the failure, so that the struct can be used again. err may be NULL. */
void err_clear(struct err *err);

/* Exit status that tells a script what kind of failure it was:
 * 2 the input (command line, profile) is wrong (-EINVAL),
 * 3 a file or image that was given has wrong content (-EBADMSG), 1 anything else. */
int err_exit_status(const struct err *err);
