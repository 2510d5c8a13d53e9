#include "base/data.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/fs.h"

#define DATA_MAX_BYTES (16u << 20)

static char *program_folder(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

	if (length < 0)
		return str_copy(".");
	path[length] = '\0';
	return path_folder(path);
}

int data_path(const char *name, char **ret_path, struct err *err)
{
	CLEANUP(free_cleanup) char *program = program_folder();
	const char *set = getenv("NESTCTL_DATA");
	char *places[] = {
		str_format("%s/%s", set && *set ? set : program, name),
		str_format("%s/%s", program, name),
		str_format("%s/../%s", program, name),
		str_format("%s/../../%s", program, name), /* build/VARIANT/ */
		str_format("%s/../share/nestctl/%s", program, name),
		str_format("%s/%s", NESTCTL_DATA_DIR, name),
	};
	int r = err_set(err, -ENOENT,
			"%s: is neither beside the program (%s) nor in %s; "
			"NESTCTL_DATA can name its folder",
			name, program, NESTCTL_DATA_DIR);

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (r < 0 && path_exists(places[i])) {
			*ret_path = take(&places[i]);
			err_clear(err);
			r = 0;
		}
		free(places[i]);
	}
	return r;
}

int data_read(const char *name, char **ret_text, size_t *ret_length, struct err *err)
{
	CLEANUP(free_cleanup) char *path = NULL;
	int r = data_path(name, &path, err);

	return r < 0 ? r : file_read(path, DATA_MAX_BYTES, ret_text, ret_length, err);
}

static const char *value_find(const struct template_value *values, const char *name, size_t length)
{
	for (; values->name; values++)
		if (strlen(values->name) == length && strncmp(values->name, name, length) == 0)
			return values->value;
	return NULL;
}

/* Length of NAME if text begins with @NAME@ (capitals, digits, _), else 0. */
static size_t placeholder_length(const char *text)
{
	size_t length = 0;

	while (isupper((unsigned char)text[1 + length]) ||
	       isdigit((unsigned char)text[1 + length]) || text[1 + length] == '_')
		length++;
	return text[1 + length] == '@' ? length : 0;
}

int template_render(const char *name, const struct template_value *values, char **ret_text,
		    struct err *err)
{
	CLEANUP(free_cleanup) char *path = str_format("templates/%s", name);
	CLEANUP(free_cleanup) char *source = NULL;
	struct buf text = { 0 };
	int r = data_read(path, &source, NULL, err);

	if (r < 0)
		return r;
	buf_text(&text, "");
	for (const char *next = source; *next;) {
		size_t length = *next == '@' ? placeholder_length(next) : 0;

		if (length == 0) {
			buf_add(&text, next++, 1);
			continue;
		}
		const char *value = value_find(values, next + 1, length);
		if (!value) {
			buf_done(&text);
			return err_set(err, -ENOKEY, "%s: @%.*s@ has no value", path, (int)length,
				       next + 1);
		}
		buf_text(&text, value);
		next += length + 2;
	}
	*ret_text = text.data;
	return 0;
}
