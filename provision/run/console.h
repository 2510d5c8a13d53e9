/* The console of one layer: the whole of it in a log file, its recent part in memory. */
#pragma once
#include "base/err.h"
#include "base/str.h"

struct console {
	/* The recent part: NUL-terminated, without NULs, escape sequences or \r. Lines of more than
	 * 1024 bytes are broken: what searches them line by line has an end. */
	char *text;
	size_t length;
	size_t column;	   /* bytes of the last line */
	unsigned escape;   /* where in an escape sequence the last chunk ended */
	int log;	   /* -1: whoever makes the text writes the log */
	size_t keep_bytes; /* text has room for twice as much */
};

/* log_path NULL: no log of ours. An old log is truncated. */
int console_open(struct console *console, const char *log_path, struct err *err);
/* Where there are many: at least keep_bytes of what comes from now on are kept, instead of 128
 * KiB. What is there already goes. */
void console_limit(struct console *console, size_t keep_bytes);
void console_add(struct console *console, const char *data, size_t length);
/* What was said so far stays in the log alone: the machine begins anew. */
void console_forget(struct console *console);
/* Up to count of the last lines that are not empty. */
void console_tail(const struct console *console, size_t count, struct strv *ret_lines);
/* The last line with anything on it, at most max_bytes of it; the caller frees. */
char *console_last(const struct console *console, size_t max_bytes);
void console_done(struct console *console);
