#include "pxe/disk_fit.h"

#include <errno.h>
#include <string.h>

#include "fix/repair.h"
#include "fix/root_find.h"
#include "pxe/agent_conf.h"
#include "pxe/initrd_add.h"

#define MBR_CODE_BYTES 440

/* ---- menu, fstab, device.map ---- */

static int system_repair(const struct disk_fit *fit, struct report *report, struct err *err)
{
	const struct fix_wishes wishes = { .disk = fit->name, .drivers = fit->drivers };
	CLEANUP(target_cleanup) struct target *target = NULL;
	CLEANUP(repair_done) struct repair repair = { 0 };
	int r = target_open_image(fit->path, 0, true, &target, err);

	if (r == 0)
		r = repair_plan(target, &wishes, NULL, &repair, err);
	if (r == 0)
		r = repair_write(&repair, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < repair.files.count; i++)
		if (repair.files.items[i].changed)
			report_say(report, "%s is fitted to this disk", repair.files.items[i].path);
	for (size_t i = 0; i < repair.remarks.count; i++)
		report_say(report, "%s", repair.remarks.items[i]);
	return 0;
}

/* ---- whose it is ---- */

/* The settings without a line "server ...", then with ours. The caller frees. */
static char *conf_text(const char *text, const struct ticket *ticket)
{
	CLEANUP(buf_done) struct buf conf = { 0 };

	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length > 0 && !str_starts(text, "server "))
			buf_format(&conf, "%.*s\n", (int)length, text);
		text += length + (text[length] == '\n');
	}
	buf_format(&conf, "server %s %s\n", ticket->agent_server, ticket->agent_token);
	return take(&conf.data);
}

static int agent_put(struct fsys *root, const struct ticket *ticket, struct err *err)
{
	const struct fsys_attributes attributes = { .mode = 0600,
						    .time_seconds = fsys_time_seconds(root) };
	CLEANUP(free_cleanup) char *before = NULL;

	if (!*ticket->agent_server)
		return 0;
	int r = fsys_read(root, AGENT_CONF, CONF_MAX_BYTES, &before, NULL, err);
	if (r < 0)
		return err_wrap(err, r,
				"the image has no agent of nestctl, so that nothing could tell "
				"when the machine is proven");
	CLEANUP(free_cleanup) char *after = conf_text(before, ticket);
	return fsys_put(root, AGENT_CONF, after, strlen(after), &attributes, err);
}

static int host_name_put(struct fsys *root, const char *host_name, struct err *err)
{
	static const char *const paths[] = { "/etc/hostname", "/etc/HOSTNAME" };
	CLEANUP(free_cleanup) char *line = str_format("%s\n", host_name);
	int r = 0;

	for (size_t i = 0; r == 0 && *host_name && i < sizeof paths / sizeof *paths; i++) {
		CLEANUP(free_cleanup) char *before = NULL;

		if (!fsys_exists(root, paths[i]))
			continue;
		r = fsys_read(root, paths[i], CONF_MAX_BYTES, &before, NULL, err);
		if (r == 0 && !str_equal(before, line))
			r = fsys_put(root, paths[i], line, strlen(line), NULL, err);
	}
	return r;
}

/* ---- can it boot? ---- */

static int firmware_check(struct image *image, const struct disk *disk, bool uefi, struct err *err)
{
	char code[MBR_CODE_BYTES];
	bool has_esp = false;
	int r = image_read(image, 0, code, sizeof code, err);

	for (size_t i = 0; i < disk->count; i++)
		has_esp |= disk->parts[i].is_esp && str_equal(disk->parts[i].probe.type, "vfat");
	if (r == 0 && uefi && !has_esp)
		return err_set(err, -EBADMSG,
			       "this machine starts by UEFI, but the image has no EFI system "
			       "partition: set boot.loader: grub2-efi in the layer's profile, or "
			       "the firmware to BIOS (CSM)");
	if (r == 0 && !uefi && mem_is_zero(code, sizeof code))
		return err_set(err, -EBADMSG,
			       "this machine starts by BIOS, but the image has no boot code: set "
			       "boot.loader: grub2-bios in the layer's profile, or the firmware to "
			       "UEFI");
	return r;
}

static int owner_put(const struct disk_fit *fit, struct report *report, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(disk_done) struct disk disk = { 0 };
	CLEANUP(fsys_cleanup) struct fsys *root = NULL;
	CLEANUP(strv_done) struct strv said = { 0 };
	struct disk_part *part = NULL;
	int r = image_open(fit->path, true, &image, err);

	if (r == 0)
		r = disk_read(image, &disk, err);
	if (r == 0)
		r = firmware_check(image, &disk, fit->uefi, err);
	if (r == 0)
		r = root_find(image, &disk, 0, &part, err);
	if (r == 0)
		r = disk_part_open(image, part, true, &root, err);
	if (r == 0)
		r = agent_put(root, fit->ticket, err);
	if (r == 0)
		r = host_name_put(root, fit->ticket->host_name, err);
	if (r == 0 && fit->drivers)
		r = initrd_add_drivers(root, fit->drivers, &said, err);
	for (size_t i = 0; i < said.count; i++)
		report_say(report, "%s", said.items[i]);
	return r < 0 ? r : fsys_close(take(&root), err);
}

/* The drivers before the repair, which looks for them. */
int disk_fit(const struct disk_fit *fit, struct report *report, struct err *err)
{
	int r = owner_put(fit, report, err);

	return r < 0 ? r : system_repair(fit, report, err);
}
