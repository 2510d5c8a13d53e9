#include "compose/system.h"

#include <string.h>

#include "base/data.h"
#include "compose/family.h"
#include "compose/names.h"
#include "compose/units.h"
#include "guest/xl.h"
#include "pattern/pattern.h"

/* ---- identity ---- */

static void fstab(const char *stack_name, const struct layer *layer, struct overlay *overlay)
{
	CLEANUP(buf_done) struct buf text = { 0 };

	for (size_t i = 0; i < layer->disk.partition_count; i++) {
		const struct partition_spec *partition = &layer->disk.partitions[i];
		CLEANUP(free_cleanup) char *part = compose_partition_part(&layer->disk, i);
		CLEANUP(free_cleanup) char *uuid = compose_uuid_text(stack_name, layer, part);
		uint8_t bytes[16];
		char fat_id[9];

		compose_uuid(stack_name, layer, part, bytes);
		snprintf(fat_id, sizeof fat_id, "%08X", compose_fat_id(bytes));
		if (partition->filesystem == FILESYSTEM_VFAT)
			/* The firmware's: the running system needs it for updates alone. */
			buf_format(&text, "UUID=%.4s-%.4s %s vfat noauto,umask=0077 0 0\n", fat_id,
				   fat_id + 4, partition->mount_point);
		else if (partition->filesystem == FILESYSTEM_SWAP)
			buf_format(&text, "UUID=%s none swap sw 0 0\n", uuid);
		else if (*partition->mount_point)
			/* Pass 0: the journal is replayed at the mount; a check of every start
			 * costs seconds on an emulated CPU. */
			buf_format(&text, "UUID=%s %s %s relatime,errors=remount-ro 0 0\n", uuid,
				   partition->mount_point,
				   filesystem_kind_name(partition->filesystem));
	}
	overlay_text(overlay, "/etc/fstab", 0644, "%s", buf_str(&text));
}

void host_names_overlay(const struct layer *layer, struct overlay *overlay)
{
	overlay_text(overlay, "/etc/hostname", 0644, "%s\n", layer->host_name);
	overlay_text(overlay, "/etc/hosts", 0644,
		     "127.0.0.1 localhost\n127.0.1.1 %s%s%s%s%s\n::1 localhost ip6-localhost\n",
		     *layer->domain ? layer->host_name : "", *layer->domain ? "." : "",
		     layer->domain, *layer->domain ? " " : "", layer->host_name);
}

static void identity(const char *stack_name, const struct layer *layer, struct overlay *overlay)
{
	CLEANUP(free_cleanup) char *machine = compose_uuid_text(stack_name, layer, "machine");
	CLEANUP(buf_done) struct buf machine_id = { 0 };

	for (const char *c = machine; *c; c++)
		if (*c != '-')
			buf_add(&machine_id, c, 1);
	overlay_text(overlay, "/etc/machine-id", 0444, "%s\n", buf_str(&machine_id));
	host_names_overlay(layer, overlay);
	family_files_of(layer->os_family)->settings(layer, overlay);
	fstab(stack_name, layer, overlay);
}

void ssh_keys_overlay(const struct layer *layer, struct overlay *overlay)
{
	if (layer->ssh_keys.count == 0)
		return;
	CLEANUP(free_cleanup) char *lines = strv_join(&layer->ssh_keys, "\n");
	overlay_text(overlay, "/root/.ssh/authorized_keys", 0600, "%s\n", lines);
}

/* ---- services ---- */

#define AGENT_UNIT "nestctl-agent.service"

int agent_unit_overlay(struct overlay *overlay, struct err *err)
{
	const struct template_value none[] = { { NULL, NULL } };

	unit_enable(overlay, AGENT_UNIT, UNIT_FOLDER);
	return overlay_rendered(overlay, "agent/" AGENT_UNIT, UNIT_FOLDER "/" AGENT_UNIT, 0644,
				none, err);
}

/* Files of every system, as they are in templates/. */
static const struct {
	const char *name, *path;
} fixed_files[] = {
	{ "system/udev-trigger.conf", UNIT_FOLDER "/systemd-udev-trigger.service.d/nestctl.conf" },
	{ "system/background.conf", UNIT_FOLDER "/systemd-logind.service.d/nestctl.conf" },
	{ "system/background.conf", UNIT_FOLDER "/systemd-resolved.service.d/nestctl.conf" },
	{ "system/modprobe.conf", "/etc/modprobe.d/nestctl.conf" },
};

/* Host keys are made by the layer itself, for a daemon and for one a connection. */
static int ssh_host_keys(const struct family_files *family, struct overlay *overlay,
			 struct err *err)
{
	static const char *const kinds[] = { "@.service", ".service" };
	const struct template_value none[] = { { NULL, NULL } };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof kinds / sizeof *kinds; i++) {
		CLEANUP(free_cleanup)
		char *path =
			str_format(UNIT_FOLDER "/%s%s.d/keys.conf", family->ssh_unit, kinds[i]);

		r = overlay_rendered(overlay, "system/ssh-keys.conf", path, 0644, none, err);
	}
	return r;
}

static void masks(const struct layer *layer, struct overlay *overlay)
{
	for (const char *const *unit = layer->pattern->masked_units; unit && *unit; unit++)
		unit_mask(overlay, UNIT_FOLDER, *unit);
	for (const char *const *name = layer->pattern->masked_generators; name && *name; name++)
		unit_mask(overlay, "/etc/systemd/system-generators", *name);
	/* The agent speaks there; a login prompt would hang up on it. */
	if (layer->machine.type != MACHINE_HVM)
		unit_mask(overlay, UNIT_FOLDER, "serial-getty@hvc0.service");
}

static int units(const struct layer *layer, const struct boot_names *names, struct overlay *overlay,
		 struct err *err)
{
	const struct family_files *family = family_files_of(layer->os_family);
	const struct template_value none[] = { { NULL, NULL } };
	int r = agent_unit_overlay(overlay, err);

	if (r == 0)
		r = ssh_host_keys(family, overlay, err);
	for (size_t i = 0; r == 0 && i < sizeof fixed_files / sizeof *fixed_files; i++)
		r = overlay_rendered(overlay, fixed_files[i].name, fixed_files[i].path, 0644, none,
				     err);
	for (size_t i = 0; i < layer->services.count; i++) {
		CLEANUP(free_cleanup) char *unit = unit_of_service(layer->services.items[i]);

		unit_enable(overlay, unit, family->unit_folder);
	}
	masks(layer, overlay);
	if (family->services)
		family->services(layer, overlay);
	return r == 0 && names->hypervisor_file ? family->xen(names, overlay, err) : r;
}

/* ---- the machines inside ---- */

void guests_overlay(const char *stack_name, const struct layer *layer, struct overlay *overlay)
{
	for (size_t i = 0; i < layer->inner_count; i++) {
		const struct layer *guest = layer->inner[i];
		CLEANUP(free_cleanup) char *args = direct_boot_arguments(stack_name, guest);
		CLEANUP(free_cleanup) char *config = guest_xl_config(guest, args);
		CLEANUP(free_cleanup)
		char *path = str_format("%s/%s", GUEST_CONFIG_FOLDER, guest->name);
		CLEANUP(free_cleanup)
		char *link = str_format("%s/%s", GUEST_AUTO_FOLDER, guest->name);
		CLEANUP(free_cleanup) char *target = str_format("../vm/%s", guest->name);

		overlay_text(overlay, path, 0600, "%s", config);
		overlay_link(overlay, link, target);
	}
}

void layer_files_overlay(const struct layer *layer, struct overlay *overlay)
{
	for (size_t i = 0; i < layer->file_count; i++)
		overlay_file(overlay, layer->files[i].path, layer->files[i].content,
			     layer->files[i].content_length, layer->files[i].mode);
}

int system_overlay(const char *stack_name, const struct layer *layer,
		   const struct boot_names *names, struct overlay *overlay, struct err *err)
{
	const struct family_files *family = family_files_of(layer->os_family);
	int r;

	identity(stack_name, layer, overlay);
	family->sources(layer, overlay);
	ssh_keys_overlay(layer, overlay);
	r = family->network(layer, overlay, err);
	if (r == 0)
		r = units(layer, names, overlay, err);
	if (r == 0)
		r = agent_overlay(layer, NULL, AGENT_PATH, overlay, err);
	if (r == 0 && layer->boot_loader != BOOT_DIRECT)
		r = menu_overlay(stack_name, layer, names, overlay, err);
	if (r < 0)
		return r;
	guests_overlay(stack_name, layer, overlay);
	layer_files_overlay(layer, overlay);
	return 0;
}
