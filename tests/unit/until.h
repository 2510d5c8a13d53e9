/* Waits for what must come: a minute or more, which costs nothing where it comes at once. */
#pragma once
#include <unistd.h>

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		for (int until_turn = 0; until_turn < 3000 && !(condition); until_turn++)          \
			usleep(20000);                                                             \
		assert_true(condition);                                                            \
	} while (0)
