#include "linuxrc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A file on a disk; what file systems there are is the kernel's to find out. */
static char *file_on(const char *device, const char *path)
{
	static const char *const kinds[] = { "vfat", "iso9660", "ext3" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		RUN("mkdir", "-p", "/answers");
		if (mount(device, "/answers", kinds[i], MS_RDONLY, "") < 0)
			continue;
		char *content = get_file(text("/answers/%s", path));
		umount("/answers");
		if (!content)
			return NULL;
		put_file("/tmp/autoinst.xml", 0600, content);
		return text("/tmp/autoinst.xml");
	}
	return NULL;
}

/* Where autoyast= (or ay=) says; without it on a disk labelled OEMDRV, which is then *ret_device.
 */
static char *answers_find(char **ret_device)
{
	char *url = kernel_arg("autoyast"), *path;

	if (!url)
		url = kernel_arg("ay");
	if (!url) {
		char *device = output_of((const char *const[]){ "findfs", "LABEL=OEMDRV", NULL });

		say("no autoyast= on the command line; disk OEMDRV: %s", *device ? device : "none");
		path = *device ? file_on(device, "autoinst.xml") : NULL;
		if (!path)
			fail("no answer file: autoyast= is missing, and no disk that is labelled "
			     "OEMDRV has an autoinst.xml");
		*ret_device = device;
		return path;
	}
	say("answer file %s", url);
	if (strncmp(url, "file://", 7) == 0)
		return url + 7;
	if (strncmp(url, "cd:", 3) == 0)
		return text("%s/%s", MEDIUM, url + 3);
	if (strncmp(url, "device://", 9) != 0)
		fail("autoyast=%s: only file, cd and device can be read here", url);
	char *slash = strchr(url + 9, '/');
	path = slash ? file_on(text("/dev/%.*s", (int)(slash - url - 9), url + 9), slash) : NULL;
	if (!path)
		fail("autoyast=%s: is not there", url);
	return path;
}

static void tree_unpack(void)
{
	double start = seconds();

	say("unpacking the host tree");
	RUN("sh", "-c", "lz4 -dc " MEDIUM "/suse/x86_64/tree.tar.lz4 | tar -x -f - -C " TARGET);
	say("unpacked in %.1f s", seconds() - start);
}

static void folders_bind(void)
{
	static const char *const names[] = { "dev", "proc", "sys" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *folder = text("%s/%s", TARGET, names[i]);

		if (mount(text("/%s", names[i]), folder, NULL, MS_BIND, NULL) < 0)
			fail("%s: %s", folder, strerror(errno));
	}
}

static void folders_unbind(void)
{
	umount(TARGET "/sys");
	umount(TARGET "/proc");
	umount(TARGET "/dev");
}

/* Its exit status is init's to act on: 0 switch off, 2 start anew, anything else a failure. */
int main(void)
{
	struct disk disk = { 0 };
	double start = seconds();
	char *content = get_file(MEDIUM "/content");
	char *label = content ? strstr(content, "LABEL ") : NULL;

	if (!label)
		fail("the medium is not there, or has no /content with a LABEL");
	label += strlen("LABEL ");
	label += strspn(label, " ");
	say("medium: %.*s", (int)strcspn(label, "\n"), label);
	char *answers_device = NULL;
	const struct node *profile = xml_parse(answers_find(&answers_device));
	if (true_at(profile, "general/mode/confirm", true))
		fail("<general><mode><confirm>: asks for a person who confirms");
	scripts_run(profile, "pre-scripts");
	disk_make(profile, answers_device, &disk);
	disk_mount(&disk);
	tree_unpack();
	system_set(profile, &disk);
	network_set(profile);
	menu_write(profile, &disk);
	folders_bind();
	scripts_run(profile, "chroot-scripts");
	folders_unbind();
	disk_unmount(&disk);
	loader_install(&disk);
	say("installed in %.1f s", seconds() - start);
	return true_at(profile, "general/mode/halt", false) ? 0 : 2;
}
