#include "pxe/programs.h"

#include <string.h>

#include "base/fs.h"
#include "base/spawn.h"

#define LOADER	       "/lib64/ld-linux-x86-64.so.2" /* System V ABI, AMD64 supplement, 5.2.1 */
#define FILE_MAX_BYTES ((size_t)256 << 20)

static int file_add(struct overlay *overlay, const char *path, const char *place, struct err *err)
{
	CLEANUP(free_cleanup) char *data = NULL;
	size_t length = 0;
	int r = file_read(path, FILE_MAX_BYTES, &data, &length, err);

	if (r == 0)
		overlay_file(overlay, place, data, length, 0755);
	return r;
}

/* The path in a line of the loader's list, "NAME => /PATH (0x...)" or "/PATH (0x...)"; NULL: the
 * kernel's own, which is no file. */
static char *library_of(char *line)
{
	char *path = strchr(line, '/');

	if (path)
		path[strcspn(path, " ")] = '\0';
	return path;
}

int program_add(struct overlay *overlay, const char *program, const char *place, struct err *err)
{
	const char *const argv[] = { LOADER, "--list", program, NULL };
	const struct spawn_options list = { .argv = argv, .purpose = "listing its libraries" };
	CLEANUP(free_cleanup) char *output = NULL;
	char *rest = NULL;
	int r = spawn_run(&list, &output, err);

	if (r == 0)
		r = file_add(overlay, program, place, err);
	if (r < 0)
		return err_wrap(err, r, "%s", program);
	for (char *line = strtok_r(output, "\n", &rest); r == 0 && line;
	     line = strtok_r(NULL, "\n", &rest)) {
		const char *library = library_of(line);

		if (library)
			r = file_add(overlay, library, library, err);
	}
	return r;
}
