/* A guest's console: what it says is kept (the last 64 KiB that nobody has got yet), written to
 * /var/log/nestctl/NAME.console, and sent outward in small pieces whenever the line is free. */
#pragma once
#include "buf.h"
#include "loop.h"
#include "outward.h"

#define CONSOLE_KEPT_BYTES (64 * 1024)
#define CONSOLE_CHUNK	   4096
#define CONSOLE_LOG_MAX	   (1024 * 1024)

struct console {
	struct outward *outward;
	const char *name; /* of the guest */
	struct buf kept;
	struct timer gather;
	int log_fd; /* -1: none */
	size_t log_bytes;
};

/* folder: of the log; it may be missing, then there is no log. */
void console_init(struct console *console, struct outward *outward, const char *name,
		  const char *folder);
void console_add(struct console *console, const char *text, size_t length);
/* A message came in between: the newline that its sender put before it is not the console's. */
void console_skip_newline(struct console *console);
/* There is room in the outward queue again, or hello came. */
void console_resume(struct console *console);
void console_done(struct console *console);
