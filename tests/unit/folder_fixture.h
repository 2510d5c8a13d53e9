/* A folder of a test's own: *state is its path. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fs.h"

static int folder_set_up(void **state)
{
	char *folder = NULL;

	if (temp_dir(NULL, &folder, NULL) < 0)
		return -1;
	*state = folder;
	return 0;
}

static int folder_tear_down(void **state)
{
	tree_remove(*state, NULL);
	free(*state);
	return 0;
}

/* A file in a folder, which is made if it is not there. */
static void put(const char *folder, const char *name, const char *text)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, name);

	assert_int_equal(dir_make(folder, 0755, NULL), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0644, NULL), 0);
}
