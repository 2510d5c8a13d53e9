#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

static enum log_level current_level = LOG_NORMAL;

#define ERASE_LINE	"\r\033[K"
#define DEFAULT_COLUMNS 80

void log_set_level(enum log_level level)
{
	current_level = level;
}

bool log_is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

__attribute__((format(printf, 2, 0))) static void line_print(const char *prefix, const char *format,
							     va_list args)
{
	CLEANUP(free_cleanup) char *text = str_vformat(format, args);

	str_tame_lines(text); /* it may quote what a guest said */
	if (log_is_terminal())
		fputs(ERASE_LINE, stderr);
	fprintf(stderr, "%s%s\n", prefix, text);
}

void log_info(const char *format, ...)
{
	va_list args;

	if (current_level < LOG_NORMAL)
		return;
	va_start(args, format);
	line_print("", format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line_print("warning: ", format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;

	if (current_level < LOG_VERBOSE)
		return;
	va_start(args, format);
	line_print("  ", format, args);
	va_end(args);
}

size_t log_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
		return DEFAULT_COLUMNS;
	return size.ws_col;
}

void log_draw(const char *text)
{
	if (current_level < LOG_NORMAL || !log_is_terminal())
		return;
	fprintf(stderr, ERASE_LINE "%s", text);
	fflush(stderr);
}

/* Of a wrapped line only the last part would be erased. */
void log_status(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	CLEANUP(free_cleanup) char *text = str_vformat(format, args);
	va_end(args);
	str_tame(text);
	text[str_cut(text, log_columns() - 1)] = '\0';
	log_draw(text);
}

double clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
