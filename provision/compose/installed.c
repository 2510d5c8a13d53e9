#include "compose/installed.h"

#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "compose/names.h"
#include "compose/system.h"
#include "fix/repair.h"

#define INITTAB		  "/etc/inittab"
#define INITTAB_MAX_BYTES (1u << 20)
/* As systemd does: started again whenever it ends. After the run level's own scripts, for init
 * works through its table in order. */
#define INITTAB_ID   "nc"
#define INITTAB_LINE INITTAB_ID ":2345:respawn:" AGENT_PATH

bool installed_is_open(const struct layer *layer)
{
	return layer->os_family != OS_ESXI;
}

/* ---- the copy ---- */

static void repair_tell(const struct repair *repair)
{
	for (size_t i = 0; i < repair->files.count; i++) {
		const struct fix_file *file = &repair->files.items[i];

		if (file->changed)
			log_info("  repaired %s", file->path);
		for (size_t j = 0; j < file->result.finding_count; j++) {
			const struct grubfix_finding *finding = &file->result.findings[j];

			log_debug("%s:%zu: %s: %s", file->path, finding->line, finding->rule,
				  finding->reason);
		}
	}
	for (size_t i = 0; i < repair->remarks.count; i++)
		log_info("  %s", repair->remarks.items[i]);
}

static int disk_repair(const struct layer *layer, const char *path, struct err *err)
{
	unsigned long long mib = layer->dom0_memory_bytes >> 20;
	CLEANUP(free_cleanup) char *memory = mib ? str_format("%lluM", mib) : NULL;
	const struct fix_wishes wishes = { .console = true, .dom0_mem = memory };
	CLEANUP(target_cleanup) struct target *target = NULL;
	CLEANUP(repair_done) struct repair repair = { 0 };
	int r = target_open_image(path, 0, true, &target, err);

	if (r == 0)
		r = repair_plan(target, &wishes, NULL, &repair, err);
	if (r == 0)
		r = repair_write(&repair, err);
	if (r == 0)
		repair_tell(&repair);
	return r;
}

int installed_copy(const struct layer *layer, const char *from, const char *to, struct err *err)
{
	int r = file_copy_new(from, to, 0600, err);

	return r < 0 || !installed_is_open(layer) ? r : disk_repair(layer, to, err);
}

/* ---- nestctl's own files ---- */

static int agent_start(struct volumes *volumes, struct err *err)
{
	struct fsys *root = volumes_root(volumes);
	CLEANUP(overlay_done) struct overlay unit = { 0 };
	CLEANUP(free_cleanup) char *text = NULL;
	size_t length = 0;

	if (fsys_exists(root, "/etc/systemd/system")) {
		int r = agent_unit_overlay(&unit, err);

		return r < 0 ? r : overlay_apply(&unit, volumes, err);
	}
	if (!fsys_exists(root, INITTAB))
		return err_set(err, -EBADMSG,
			       "the installed system has neither /etc/systemd/system nor " INITTAB
			       ": nestctl's agent cannot be started in it");
	int r = fsys_read(root, INITTAB, INITTAB_MAX_BYTES, &text, &length, err);
	if (r < 0 || str_starts(text, INITTAB_ID ":") || strstr(text, "\n" INITTAB_ID ":"))
		return r;
	CLEANUP(free_cleanup)
	char *more = str_format("%s%s" INITTAB_LINE "\n", text,
				length && text[length - 1] != '\n' ? "\n" : "");
	return fsys_put(root, INITTAB, more, strlen(more), NULL, err);
}

static int own_overlay(const char *stack_name, const struct layer *layer, struct overlay *overlay,
		       struct err *err)
{
	int r = agent_overlay(layer, NULL, AGENT_PATH, overlay, err);

	if (r < 0)
		return r;
	guests_overlay(stack_name, layer, overlay);
	layer_files_overlay(layer, overlay);
	return 0;
}

int installed_overlay(const char *stack_name, const struct layer *layer, struct overlay *overlay,
		      struct err *err)
{
	int r = own_overlay(stack_name, layer, overlay, err);

	overlay_text(overlay, INITTAB, 0644, "%s\n", INITTAB_LINE);
	return r < 0 ? r : agent_unit_overlay(overlay, err);
}

int installed_put(const char *stack_name, const struct layer *layer, struct volumes *volumes,
		  struct err *err)
{
	CLEANUP(overlay_done) struct overlay overlay = { 0 };
	int r = own_overlay(stack_name, layer, &overlay, err);

	if (r == 0)
		r = overlay_apply(&overlay, volumes, err);
	return r < 0 ? r : agent_start(volumes, err);
}
