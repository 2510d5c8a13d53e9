#include "linuxrc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("linuxrc: ");
	vprintf(format, args);
	printf("\n");
	fflush(stdout);
	va_end(args);
}

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("linuxrc: FAILED: ");
	vprintf(format, args);
	printf("\n");
	fflush(stdout);
	va_end(args);
	exit(1);
}

char *text(const char *format, ...)
{
	va_list args;
	char *made = NULL;

	va_start(args, format);
	if (vasprintf(&made, format, args) < 0)
		fail("out of memory");
	va_end(args);
	return made;
}

static pid_t start(int input, int output, const char *const *argv)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("%s: cannot be started: %s", argv[0], strerror(errno));
	if (pid > 0)
		return pid;
	if (input >= 0)
		dup2(input, STDIN_FILENO);
	if (output >= 0)
		dup2(output, STDOUT_FILENO);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static int status_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void run(const char *input, const char *const *argv)
{
	int ends[2] = { -1, -1 };

	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("pipe: %s", strerror(errno));
	pid_t pid = start(ends[0], -1, argv);
	close(ends[0]);
	if (input && write(ends[1], input, strlen(input)) < 0)
		fail("%s: takes no input: %s", argv[0], strerror(errno));
	close(ends[1]);
	int status = status_of(pid);
	if (status != 0)
		fail("%s %s: ended with status %d", argv[0], argv[1] ? argv[1] : "", status);
}

char *output_of(const char *const *argv)
{
	int ends[2];
	char line[4096] = "";
	size_t length = 0;
	ssize_t got;

	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("pipe: %s", strerror(errno));
	pid_t pid = start(-1, ends[1], argv);
	close(ends[1]);
	while (length < sizeof line - 1 &&
	       (got = read(ends[0], line + length, sizeof line - 1 - length)) > 0)
		length += (size_t)got;
	close(ends[0]);
	line[length] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return text("%s", status_of(pid) == 0 ? line : "");
}

void put_file(const char *path, unsigned mode, const char *content)
{
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *folder = text("%.*s", (int)(slash - path), path);

		if (mkdir(folder, 0755) < 0 && errno != EEXIST)
			fail("%s: %s", folder, strerror(errno));
		free(folder);
	}
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	size_t length = strlen(content);
	if (fd < 0 || write(fd, content, length) != (ssize_t)length || fchmod(fd, mode) < 0 ||
	    close(fd) < 0)
		fail("%s: cannot be written: %s", path, strerror(errno));
}

char *get_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *content = NULL;
	size_t length = 0;

	if (!file)
		return NULL;
	if (getdelim(&content, &length, '\0', file) < 0)
		content = text("%s", "");
	fclose(file);
	return content;
}

char *kernel_arg(const char *name)
{
	char *line = get_file("/proc/cmdline");
	char *rest = NULL, *found = NULL;
	size_t length = strlen(name);

	for (char *word = line ? strtok_r(line, " \n", &rest) : NULL; word;
	     word = strtok_r(NULL, " \n", &rest))
		if (strncasecmp(word, name, length) == 0 && word[length] == '=')
			found = text("%s", word + length + 1);
	free(line);
	return found;
}
