/* What the program says while it works: lines on standard error. The level is the only mutable
 * file-scope state of the program. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

void log_set_level(enum log_level level);
/* What a person wants to know: a step begins or ends. Silent with --quiet. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Something was odd and the work goes on. Always shown. */
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Details for --verbose: argv of programs, times. */
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line that replaces itself on a terminal (a running step with its share and seconds), cut to its
 * width, and is silent elsewhere. An empty text clears it. log_info and the rest go above it. */
void log_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, but the text is drawn as it is: lines of at most log_columns() - 1, and the way back.
 */
void log_draw(const char *text);
/* Of the terminal; 80 where it does not tell. */
size_t log_columns(void);
/* True if standard error is a terminal that can move its cursor. */
bool log_is_terminal(void);

/* Seconds on a clock that never goes back. */
double clock_seconds(void);
