#include "media/boot_cfg.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* The line of a key: where its value begins, NULL if there is none; ret_length is the value's,
 * without the end of the line. */
static const char *value_find(const char *text, const char *key, size_t *ret_length)
{
	size_t length = strlen(key);

	for (const char *line = text; *line;) {
		size_t end = strcspn(line, "\r\n");

		if (end > length && strncasecmp(line, key, length) == 0 && line[length] == '=') {
			*ret_length = end - length - 1;
			return line + length + 1;
		}
		line += end;
		line += strspn(line, "\r\n");
	}
	return NULL;
}

char *boot_cfg_value(const char *text, const char *key)
{
	size_t length = 0;
	const char *value = value_find(text, key, &length);
	char *copy = value ? str_format("%.*s", (int)length, value) : NULL;

	if (copy)
		str_tame(copy);
	return copy;
}

void boot_cfg_modules(const char *text, struct strv *ret_names)
{
	CLEANUP(free_cleanup) char *modules = boot_cfg_value(text, "modules");
	char *rest = NULL;

	for (char *word = modules ? strtok_r(modules, " \t", &rest) : NULL; word;
	     word = strtok_r(NULL, " \t", &rest))
		if (strcmp(word, "---") != 0)
			strv_add(ret_names, word + strspn(word, "/"));
}

char *boot_cfg_set(const char *text, const char *key, const char *value)
{
	size_t length = 0;
	const char *old = value_find(text, key, &length);
	const char *end = strstr(text, "\r\n") ? "\r\n" : "\n";
	bool ended = !*text || text[strlen(text) - 1] == '\n';

	if (old)
		return str_format("%.*s%s%s", (int)(old - text), text, value, old + length);
	return str_format("%s%s%s=%s%s", text, ended ? "" : end, key, value, end);
}

char *boot_cfg_with_options(const char *text, const char *options)
{
	CLEANUP(buf_done) struct buf changed = { 0 };
	size_t length = 0;
	const char *value = value_find(text, "kernelopt", &length);

	if (!value)
		return boot_cfg_set(text, "kernelopt", options);
	buf_add(&changed, text, (size_t)(value - text));
	for (const char *word = value; word < value + length;) {
		size_t gap = strspn(word, " \t"), end = strcspn(word + gap, " \t\r\n");

		if (end > 0 && strncasecmp(word + gap, "ks=", 3) != 0)
			buf_format(&changed, "%.*s ", (int)end, word + gap);
		word += gap + end;
	}
	buf_format(&changed, "%s%s", options, value + length);
	return take(&changed.data);
}
