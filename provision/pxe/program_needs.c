/* By ldd, which asks the loader that the program itself would be run by: for our own program and
 * those of the system alone.
 */
#include "pxe/program_needs.h"

#include <errno.h>
#include <string.h>

#include "base/spawn.h"

/* A line is one of:
 *	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f0000000000)
 *	/lib64/ld-linux-x86-64.so.2 (0x00007f0000000000)
 *	linux-vdso.so.1 (0x00007ffc00000000)
 *	libnone.so => not found
 *	statically linked
 */
static int line_take(const char *program, const char *line, struct strv *libraries,
		     struct strv *loaders, struct err *err)
{
	const char *arrow = strstr(line, "=> ");
	const char *path = arrow ? arrow + strlen("=> ") : line;
	CLEANUP(free_cleanup) char *word = str_format("%.*s", (int)strcspn(path, " "), path);

	if (arrow && *path != '/')
		return err_set(err, -ENOENT, "%s: cannot be run here: %s", program, line);
	if (*path == '/' && !strv_has(arrow ? libraries : loaders, word))
		strv_add(arrow ? libraries : loaders, word);
	return 0;
}

int program_needs(const char *program, struct strv *libraries, struct strv *loaders,
		  struct err *err)
{
	const char *argv[] = { "ldd", program, NULL };
	const char *env[] = { "LC_ALL=C", "LD_PRELOAD=", NULL };
	const struct spawn_options options = {
		.argv = argv,
		.env = env,
		.purpose = "finding the libraries of a program",
	};
	CLEANUP(free_cleanup) char *text = NULL;
	struct err failure = { 0 };
	char *rest = NULL;
	int r = spawn_run(&options, &text, &failure);

	if (r < 0) {
		bool is_static = failure.text && strstr(failure.text, "not a dynamic executable");

		r = is_static ? 0 : err_set(err, r, "%s", failure.text);
		err_clear(&failure);
		return r;
	}
	for (char *line = strtok_r(text, "\n", &rest); r == 0 && line;
	     line = strtok_r(NULL, "\n", &rest))
		r = line_take(program, line + strspn(line, "\t "), libraries, loaders, err);
	return r;
}
