#include "files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

void file_path(char *out, size_t size, const char *root, const char *format, ...)
{
	va_list args;
	int length = snprintf(out, size, "%s", root);

	if (length < 0 || (size_t)length >= size)
		return;
	va_start(args, format);
	vsnprintf(out + length, size - (size_t)length, format, args);
	va_end(args);
}

bool file_text(const char *root, const char *path, char *out, size_t size)
{
	char name[PATH_MAX];
	size_t length = 0;
	ssize_t got = 0;

	out[0] = '\0';
	file_path(name, sizeof name, root, "%s", path);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (length < size - 1 && (got = read(fd, out + length, size - 1 - length)) > 0)
		length += (size_t)got;
	close(fd);
	while (length > 0 && strchr(" \t\n", out[length - 1]))
		length--;
	out[length] = '\0';
	return got >= 0;
}

bool file_link_name(const char *root, const char *path, char *out, size_t size)
{
	char name[PATH_MAX], target[PATH_MAX];

	out[0] = '\0';
	file_path(name, sizeof name, root, "%s", path);
	ssize_t length = readlink(name, target, sizeof target - 1);
	if (length <= 0)
		return false;
	target[length] = '\0';
	const char *slash = strrchr(target, '/');
	text_copy(out, size, slash ? slash + 1 : target);
	return true;
}

bool file_setting(const char *text, const char *key, char *out, size_t size)
{
	size_t key_length = strlen(key);

	out[0] = '\0';
	while (strncmp(text, key, key_length) != 0 || text[key_length] != '=') {
		text = strchr(text, '\n');
		if (!text)
			return false;
		text++;
	}
	text += key_length + 1;
	size_t length = strcspn(text, "\n");
	if (length >= 2 && (*text == '"' || *text == '\'') && text[length - 1] == *text) {
		text++;
		length -= 2;
	}
	snprintf(out, size, "%.*s", (int)length, text);
	return true;
}
