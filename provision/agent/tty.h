/* Terminals as byte streams, and the kernel's own voice on one of them. */
#pragma once
#include <stdbool.h>

/* Opens it raw, without echo, not as our terminal, not blocking, ignoring carrier; anything that
 * is no terminal is opened as it is. The descriptor or a negative errno. */
int tty_open(const char *path);
/* Bytes that the driver has not sent yet; 0 for what is no terminal. */
int tty_unsent(int fd);

/* Kernel messages up to this level (1: emergencies only, 7: all) reach the console; no right to
 * say so is no failure. linux/kernel.h's level numbers. */
void kernel_console_level(int level);
