/* The line that replaces itself, on a real terminal (a pty): it is never longer than that is wide.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define COLUMNS 40
#define ERASE	"\r\033[K"

struct terminal {
	int master;
	int stderr_before;
};

static int set_up(void **state)
{
	struct terminal *terminal = calloc(1, sizeof *terminal);
	const struct winsize size = { .ws_row = 10, .ws_col = COLUMNS };
	int slave = -1;

	*state = terminal;
	terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (terminal->master < 0 || grantpt(terminal->master) < 0 || unlockpt(terminal->master) < 0)
		return -1;
	slave = open(ptsname(terminal->master), O_RDWR | O_NOCTTY);
	terminal->stderr_before = dup(STDERR_FILENO);
	setenv("TERM", "vt100", 1);
	if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size) < 0 || dup2(slave, STDERR_FILENO) < 0)
		return -1;
	return close(slave);
}

static int tear_down(void **state)
{
	struct terminal *terminal = *state;

	dup2(terminal->stderr_before, STDERR_FILENO);
	close(terminal->stderr_before);
	close(terminal->master);
	free(terminal);
	return 0;
}

static void assert_shown(void **state, const char *expected)
{
	const struct terminal *terminal = *state;
	char text[1024] = "";
	ssize_t got = read(terminal->master, text, sizeof text - 1);

	assert_true(got >= 0);
	assert_string_equal(text, expected);
}

static void what_is_longer_is_cut(void **state)
{
	log_status("  %s: %s", "bootstrap xen-host bookworm",
		   "running --setup-hook directly: /tmp");
	assert_shown(state, ERASE "  bootstrap xen-host bookworm: running ");
	log_status("%s", "short");
	assert_shown(state, ERASE "short");
	log_status("%s", "");
	assert_shown(state, ERASE);
}

/* It may quote what another program said. */
static void no_order_to_the_terminal_passes(void **state)
{
	log_status("a%sb", "\033[2J");
	assert_shown(state, ERASE "a [2Jb");
}

static void what_is_drawn_stays(void **state)
{
	log_draw("\033[Kone\r\n\033[Ktwo\r\033[1A");
	assert_shown(state, ERASE "\033[Kone\r\r\n\033[Ktwo\r\033[1A");
}

static void a_dumb_terminal_is_spared(void **state)
{
	setenv("TERM", "dumb", 1);
	log_status("%s", "a");
	log_draw("b");
	log_info("%s", "c");
	assert_shown(state, "c\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		CASE(what_is_longer_is_cut),
		CASE(no_order_to_the_terminal_passes),
		CASE(what_is_drawn_stays),
		CASE(a_dumb_terminal_is_spared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
