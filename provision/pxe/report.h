/* What the installer tells the lab's server while it works: progress, lines of its console, the
 * end.
 */
#pragma once
#include "pxe/ticket.h"

struct report;

/* Both are borrowed. */
struct report *report_new(const struct lab_call *call, const char *ca_path);
void report_cleanup(struct report **report);

/* A line for the console here and for the page. */
void report_say(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Sent once a second at most, lines too; that it does not arrive is no failure. total 0: not known.
 */
void report_progress(struct report *report, uint64_t done, uint64_t total, const char *text);
/* The ends. They try for long, since the server must know. */
int report_installed(struct report *report, struct err *err);
int report_failed(struct report *report, const char *why, struct err *err);
