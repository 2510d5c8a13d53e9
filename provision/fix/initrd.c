/* Drivers are looked for by the names of their files; what the kernel has built in is known from
 * modules.builtin. */
#include "fix/initrd.h"

#include <string.h>

#include "base/fs.h"
#include "fix/cpio.h"

#define INITRD_MAX_BYTES  ((size_t)512 << 20)
#define BUILTIN_MAX_BYTES ((size_t)4 << 20)

/* The disks that Xen's and KVM's device models show: AHCI, PIIX IDE, virtio, Xen's PV disk. */
static const char *const drivers[] = { "ahci", "ata_piix", "ata_generic", "virtio_blk",
				       "xen_blkfront" };

#define DRIVERS (sizeof drivers / sizeof *drivers)

/* Who makes the initrd there, told by the program that is installed, and how it is called with the
 * initrd, the kernel and the release. */
static const struct maker {
	const char *programs[3];
	const char *form; /* @I initrd, @K kernel, @R release */
} makers[] = {
	{ { "/usr/sbin/update-initramfs" }, "update-initramfs -u -k @R" },
	{ { "/usr/bin/dracut", "/sbin/dracut", "/usr/sbin/dracut" },
	  "dracut --force --add-drivers \"ahci ata_piix\" @I @R" },
	{ { "/sbin/mkinitrd", "/usr/sbin/mkinitrd" }, "mkinitrd -k @K -i @I -m \"ahci ata_piix\"" },
};

/* "kernel/drivers/ata/ahci.ko.xz" is ahci; _ and - are the same in names of modules. */
static bool is_driver(const char *path)
{
	const char *name = path_name(path), *end = strstr(name, ".ko");

	for (size_t i = 0; end && i < DRIVERS; i++) {
		size_t at = 0;

		while (drivers[i][at] &&
		       (name[at] == drivers[i][at] || (drivers[i][at] == '_' && name[at] == '-')))
			at++;
		if (!drivers[i][at] && name + at == end)
			return true;
	}
	return false;
}

static void driver_note(void *context, const char *path)
{
	*(bool *)context |= is_driver(path);
}

static bool has_builtin(struct target *target, const char *release)
{
	CLEANUP(free_cleanup) char *path = str_format("/lib/modules/%s/modules.builtin", release);
	CLEANUP(free_cleanup) char *text = NULL;
	char *lines;
	size_t length;

	if (target_read(target, path, BUILTIN_MAX_BYTES, &text, &length, NULL) < 0)
		return false;
	for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines))
		if (is_driver(line))
			return true;
	return false;
}

char *kernel_release(struct target *target, const char *kernel)
{
	CLEANUP(free_cleanup) char *real = NULL;
	enum node_kind kind;

	if (!kernel || target_find(target, kernel, &real, &kind, NULL) < 0)
		return str_copy("RELEASE");
	const char *dash = strchr(path_name(real), '-');
	return str_copy(dash ? dash + 1 : "RELEASE");
}

static char *command_of(struct target *target, const char *kernel, const char *initrd,
			const char *release)
{
	CLEANUP(buf_done) struct buf command = { 0 };
	const struct maker *maker = NULL;

	for (size_t i = 0; i < sizeof makers / sizeof *makers && !maker; i++)
		for (size_t j = 0; j < 3 && makers[i].programs[j] && !maker; j++)
			if (target_exists(target, makers[i].programs[j]))
				maker = &makers[i];
	if (!maker)
		maker = &makers[sizeof makers / sizeof *makers - 1];
	for (const char *form = maker->form; *form; form++) {
		if (*form != '@') {
			buf_add(&command, form, 1);
			continue;
		}
		form++;
		buf_text(&command, *form == 'I'	  ? initrd
				   : *form == 'K' ? (kernel ? kernel : "KERNEL")
						  : release);
	}
	return str_copy(buf_str(&command));
}

void initrd_check(struct target *target, const char *kernel, const char *initrd,
		  struct strv *remarks)
{
	CLEANUP(free_cleanup) char *data = NULL;
	CLEANUP(free_cleanup) char *release = kernel_release(target, kernel);
	struct err err = { 0 };
	size_t length = 0;
	bool found = false;

	if (!target_exists(target, initrd)) /* the rules say so themselves */
		return;
	int r = target_read(target, initrd, INITRD_MAX_BYTES, &data, &length, &err);
	if (r == 0)
		r = cpio_each_name(data, length, driver_note, &found, &err);
	if (!found && !has_builtin(target, release)) {
		CLEANUP(free_cleanup)
		char *command = command_of(target, kernel, initrd, release);

		if (r < 0)
			strv_format(remarks, "%s cannot be read (%s): rebuild it inside with: %s",
				    initrd, err.text, command);
		else
			strv_format(remarks,
				    "%s has no driver for a disk that the guest will see (ahci, "
				    "ata_piix, ata_generic, virtio_blk, xen-blkfront): rebuild it "
				    "inside with: %s",
				    initrd, command);
	}
	err_clear(&err);
}
