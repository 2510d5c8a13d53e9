/* Drivers are looked for by the names of their files; what the kernel has built in is known from
 * modules.builtin. */
#include "fix/initrd.h"

#include <string.h>

#include "base/fs.h"
#include "fix/cpio.h"

#define INITRD_MAX_BYTES  ((size_t)512 << 20)
#define BUILTIN_MAX_BYTES ((size_t)4 << 20)

/* The disks that Xen's and KVM's device models show: AHCI, PIIX IDE (piix is the old driver),
 * virtio. One of them is enough. Xen's PV disk is none of them: the dom0 of an inner Xen cannot
 * reach the back end of the outer one. */
static const char *const guest_drivers[] = { "ahci", "ata_piix", "ata_generic", "piix",
					     "virtio_blk" };

#define GUEST_DRIVERS (sizeof guest_drivers / sizeof *guest_drivers)

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

/* Drivers that are looked for, and those that were found. */
struct search {
	const char *const *drivers;
	size_t count;
	bool *found;
};

static bool same_letter(char a, char b)
{
	return a == b || ((a == '_' || a == '-') && (b == '_' || b == '-'));
}

/* "kernel/drivers/ata/ahci.ko.xz" is ahci; _ and - are the same in names of modules. */
static bool is_driver(const char *path, const char *driver)
{
	const char *name = path_name(path), *end = strstr(name, ".ko");
	size_t at = 0;

	while (driver[at] && same_letter(name[at], driver[at]))
		at++;
	return end && !driver[at] && name + at == end;
}

static void driver_note(void *context, const char *path)
{
	const struct search *search = context;

	for (size_t i = 0; i < search->count; i++)
		search->found[i] |= is_driver(path, search->drivers[i]);
}

static void builtin_note(struct target *target, const char *release, struct search *search)
{
	CLEANUP(free_cleanup) char *path = str_format("/lib/modules/%s/modules.builtin", release);
	CLEANUP(free_cleanup) char *text = NULL;
	char *lines;
	size_t length;

	if (target_read(target, path, BUILTIN_MAX_BYTES, &text, &length, NULL) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines))
		driver_note(search, line);
}

/* The names of those that are missing, NULL if enough were found. The caller frees. */
static char *missing_text(const struct search *search, bool all)
{
	CLEANUP(buf_done) struct buf text = { 0 };

	for (size_t i = 0; i < search->count; i++) {
		if (search->found[i] && !all)
			return NULL;
		if (!search->found[i])
			buf_format(&text, "%s%s", text.length ? ", " : "", search->drivers[i]);
	}
	return text.length ? str_copy(buf_str(&text)) : NULL;
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

/* By its programs in there; else the last of the table. */
static const struct maker *maker_of(struct target *target)
{
	const struct maker *last = &makers[sizeof makers / sizeof *makers - 1];

	for (const struct maker *maker = makers; maker < last; maker++)
		for (size_t i = 0; i < 3 && maker->programs[i]; i++)
			if (target_exists(target, maker->programs[i]))
				return maker;
	return last;
}

static char *command_of(struct target *target, const char *kernel, const char *initrd,
			const char *release)
{
	CLEANUP(buf_done) struct buf command = { 0 };

	for (const char *form = maker_of(target)->form; *form; form++) {
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
		  const struct strv *drivers, struct strv *remarks)
{
	CLEANUP(free_cleanup) char *data = NULL;
	CLEANUP(free_cleanup) char *release = kernel_release(target, kernel);
	CLEANUP(err_clear) struct err err = { 0 };
	size_t count = drivers ? drivers->count : GUEST_DRIVERS, length = 0;
	CLEANUP(free_cleanup) bool *found = mem_alloc(count + 1);
	struct search search = { drivers ? (const char *const *)drivers->items : guest_drivers,
				 count, found };

	if (!target_exists(target, initrd)) /* the rules say so themselves */
		return;
	int r = target_read(target, initrd, INITRD_MAX_BYTES, &data, &length, &err);
	if (r == 0)
		r = cpio_each_name(data, length, driver_note, &search, &err);
	builtin_note(target, release, &search);
	CLEANUP(free_cleanup) char *missing = missing_text(&search, drivers != NULL);
	if (!missing)
		return;
	CLEANUP(free_cleanup) char *command = command_of(target, kernel, initrd, release);
	if (r < 0)
		strv_format(remarks, "%s cannot be read (%s): rebuild it inside with: %s", initrd,
			    err.text, command);
	else
		strv_format(remarks, "%s has no driver for %s (%s): rebuild it inside with: %s",
			    initrd,
			    drivers ? "the disk of this machine" : "a disk that the guest will see",
			    missing, command);
}
