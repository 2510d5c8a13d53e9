#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tty.h"

#define MODULE_FOLDER		    "/lib/modules"
#define MODULE_INIT_COMPRESSED_FILE 4 /* linux/module.h */
#define KERNEL_LEVEL		    4 /* errors reach the console, chatter does not */

static const struct {
	const char *what, *where, *type, *options;
} mounts[] = {
	{ "proc", "/proc", "proc", NULL },
	{ "sysfs", "/sys", "sysfs", NULL },
	{ "devtmpfs", "/dev", "devtmpfs", "mode=0755" },
	{ "tmpfs", "/run", "tmpfs", "mode=0755" },
	{ "devpts", "/dev/pts", "devpts", "mode=0620" },
	{ "xenfs", "/proc/xen", "xenfs", NULL }, /* there on Xen only */
};

static void descriptors_set(void)
{
	int null = open("/dev/null", O_RDWR);
	int log = open("/dev/kmsg", O_WRONLY);

	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		dup2(log >= 0 ? log : null, 2);
	}
	if (null > 2)
		close(null);
	if (log > 2)
		close(log);
}

void init_mount(void)
{
	for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
		mkdir(mounts[i].where, 0755);
		mount(mounts[i].what, mounts[i].where, mounts[i].type, MS_NOSUID,
		      mounts[i].options);
	}
	descriptors_set();
	kernel_console_level(KERNEL_LEVEL);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
}

/* ---- modules ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* 0 or a negative errno; loaded already is 0. */
static int module_load(const char *path)
{
	bool packed = ends_with(path, ".xz") || ends_with(path, ".gz") || ends_with(path, ".zst");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long r;

	if (fd < 0)
		return -errno;
	r = syscall(SYS_finit_module, fd, "", packed ? MODULE_INIT_COMPRESSED_FILE : 0);
	int reason = errno;
	close(fd);
	if (r == 0 || reason == EEXIST)
		return 0;
	/* The file is there: it is a symbol that is missing, with the module that has it. */
	return reason == ENOENT ? -ENOLINK : -reason;
}

/* A path, or a name below /lib/modules: files are named with either of - and _. */
static int module_find_and_load(const char *name)
{
	char path[CONF_PATH + 32];

	if (*name == '/')
		return module_load(name);
	snprintf(path, sizeof path, "%s/%s.ko", MODULE_FOLDER, name);
	int r = module_load(path);
	if (r != -ENOENT)
		return r;
	for (char *c = path + strlen(MODULE_FOLDER); *c; c++)
		*c = *c == '-' ? '_' : *c == '_' ? '-' : *c;
	return module_load(path);
}

void init_settle(const struct conf *conf, struct outward *outward)
{
	char text[CONF_PATH + 64];

	if (*conf->host_name)
		sethostname(conf->host_name, strlen(conf->host_name));
	for (unsigned i = 0; i < conf->module_count; i++) {
		int r = module_find_and_load(conf->modules[i]);

		if (r == 0)
			continue;
		snprintf(text, sizeof text, "module %s cannot be loaded: %s", conf->modules[i],
			 r == -ENOLINK ? "a module that it needs is missing" : strerror(-r));
		outward_event(outward, "note", NULL, text);
	}
}
