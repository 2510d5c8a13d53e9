/* Plan, write, verify. Which edits are made is grubfix's matter. */
#include "fix/repair.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fix/chain.h"
#include "fix/initrd.h"
#include "fix/menu_source.h"
#include "fix/xen_entry.h"

static struct grubfix_request request_of(const struct repair *repair, const struct fix_file *file,
					 const struct grubfix_facts *facts)
{
	const struct strv *only = file->menu ? &repair->menu_only : &repair->wishes->only;
	const struct strv *skip = file->menu ? &repair->menu_skip : &repair->wishes->skip;

	return (struct grubfix_request){
		.name = file->path,
		.text = file->menu ? file->menu : file->text,
		.length = file->menu ? file->menu_length : file->length,
		.type = file->type,
		.facts = facts,
		.only = only->count ? (const char *const *)only->items : NULL,
		.skip = skip->count ? (const char *const *)skip->items : NULL,
	};
}

/* --- a menu from elsewhere -------------------------------------------------------------------- */

static struct fix_file *menu_place(struct repair *repair, enum grubfix_type type)
{
	static const struct {
		enum grubfix_type type;
		const char *folder, *path;
	} places[] = {
		{ GRUBFIX_LEGACY, "/boot/grub", "/boot/grub/menu.lst" },
		{ GRUBFIX_GRUB_CFG, "/boot/grub2", "/boot/grub2/grub.cfg" },
		{ GRUBFIX_GRUB_CFG, "/boot/grub", "/boot/grub/grub.cfg" },
	};
	struct fix_file *file = files_first(&repair->files, type);

	if (file)
		return file;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		CLEANUP(free_cleanup) char *real = NULL;
		enum node_kind kind;

		if (places[i].type == type &&
		    target_find(repair->target, places[i].folder, &real, &kind, NULL) == 0 &&
		    kind == NODE_FOLDER && str_equal(real, places[i].folder))
			return files_add_new(&repair->files, places[i].path, type);
	}
	return NULL;
}

static const char *menu_name(enum grubfix_type type)
{
	return type == GRUBFIX_LEGACY ? "GRUB Legacy" : "GRUB 2";
}

/* Without these a menu from elsewhere would boot the other machine's disk. */
static void menu_rules_make(struct repair *repair)
{
	static const char *const fitting[] = { "root",	    "resume", "grub-root",
					       "boot-path", "search", NULL };
	const struct fix_wishes *wishes = repair->wishes;
	CLEANUP(strv_done) struct strv rules = { 0 };

	strv_add_names(&rules, fitting);
	for (size_t i = 0; i < wishes->skip.count; i++)
		if (!strv_has(&rules, wishes->skip.items[i]))
			strv_add(&repair->menu_skip, wishes->skip.items[i]);
	strv_add_all(&repair->menu_only, &wishes->only);
	if (wishes->only.count > 0)
		strv_add_all(&repair->menu_only, &rules);
}

static int menu_take(struct repair *repair, const char *from, struct err *err)
{
	CLEANUP(menu_source_done) struct menu_source source = { 0 };
	struct fix_file *legacy = files_first(&repair->files, GRUBFIX_LEGACY);
	struct fix_file *grub2 = files_first(&repair->files, GRUBFIX_GRUB_CFG);
	enum grubfix_type own = legacy	? GRUBFIX_LEGACY
				: grub2 ? GRUBFIX_GRUB_CFG
					: GRUBFIX_UNKNOWN;
	int r = menu_source_read(from, own, &source, err);

	if (r < 0)
		return r;
	if (own != GRUBFIX_UNKNOWN && !files_first(&repair->files, source.type))
		return err_set(err, -EBADMSG, "%s: is a menu for %s, but %s boots with %s",
			       source.name, menu_name(source.type), target_name(repair->target),
			       menu_name(own));
	struct fix_file *file = menu_place(repair, source.type);
	if (!file)
		return err_set(err, -EBADMSG,
			       "%s: has no folder /boot/grub where the menu %s could go: install "
			       "the boot loader first",
			       target_name(repair->target), source.name);
	strv_format(&repair->remarks, "%s: the menu is taken from %s", file->path, source.name);
	menu_rules_make(repair);
	file->menu_length = source.length;
	file->menu = take(&source.text);
	return 0;
}

/* --- the plan --------------------------------------------------------------------------------- */

/* The facts as they are for one file. */
static struct grubfix_facts facts_for(const struct repair *repair, const struct fix_file *file)
{
	struct grubfix_facts facts = repair->facts.facts;

	facts.adopt_root = file->menu != NULL;
	return facts;
}

static bool is_setting(const struct fix_file *file)
{
	return file->type == GRUBFIX_DEFAULT_GRUB || file->type == GRUBFIX_GRUBENV;
}

/* The Xen entry of a menu as the other rules leave it: paths that they correct are no missing
 * files. The caller frees; NULL: none. */
static int xen_entry_name(const struct repair *repair, const struct fix_file *file,
			  const struct grubfix_facts *facts, char **ret_entry, struct err *err)
{
	CLEANUP(grubfix_result_done) struct grubfix_result others = { 0 };
	struct grubfix_request request = request_of(repair, file, facts);
	int r = grubfix_run(&request, &others, err);

	if (r < 0)
		return r;
	request.text = others.text;
	request.length = others.length;
	return grubfix_xen_entry(&request, ret_entry, err);
}

/* Should Xen be the default in this file? A menu without a Xen entry is left to its own. */
static int xen_default_for(struct repair *repair, struct fix_file *file,
			   struct grubfix_facts *facts, struct err *err)
{
	CLEANUP(free_cleanup) char *entry = NULL;

	if (is_setting(file)) {
		facts->default_entry = repair->grub2_entry;
		facts->xen_default = repair->grub2_entry != NULL;
		return 0;
	}
	facts->xen_default = file->type == GRUBFIX_XEN_CFG;
	if (!files_is_menu(file))
		return 0;
	int r = xen_entry_name(repair, file, facts, &entry, err);
	if (r < 0)
		return r;
	facts->xen_default = entry && !(repair->grub2_entry && grubfix_is_included(file->path));
	if (!entry && file->menu)
		return err_set(err, -EBADMSG,
			       "%s: the new menu has no Xen entry whose files are all in %s",
			       file->path, target_name(repair->target));
	if (entry && file->type == GRUBFIX_GRUB_CFG && !repair->grub2_entry)
		repair->grub2_entry = take(&entry);
	return 0;
}

static int file_plan(struct repair *repair, struct fix_file *file, struct err *err)
{
	struct grubfix_facts facts = facts_for(repair, file);
	int r = xen_default_for(repair, file, &facts, err);
	const struct grubfix_request request = request_of(repair, file, &facts);

	if (r == 0)
		r = grubfix_run(&request, &file->result, err);
	if (r < 0)
		return r;
	file->changed = file->is_new || file->result.length != file->length ||
			memcmp(file->result.text, file->text, file->length) != 0;
	return 0;
}

/* Of the first menu that has one: as it is before the rules, or after them. */
static void xen_entry_find(const struct repair *repair, bool planned, struct xen_entry *ret_entry)
{
	for (size_t i = 0; i < repair->files.count && !ret_entry->title; i++) {
		const struct fix_file *file = &repair->files.items[i];
		struct grubfix_request request = request_of(repair, file, &repair->facts.facts);

		if (!files_is_menu(file) && file->type != GRUBFIX_XEN_CFG)
			continue;
		if (planned) {
			request.text = file->result.text;
			request.length = file->result.length;
		}
		xen_entry_read(&request, ret_entry);
	}
}

static void initrd_look(struct repair *repair)
{
	CLEANUP(xen_entry_done) struct xen_entry entry = { 0 };

	xen_entry_find(repair, true, &entry);
	if (entry.initrd)
		initrd_check(repair->target, entry.kernel, entry.initrd, repair->wishes->drivers,
			     &repair->remarks);
}

/* The classic Xen kernels before 2.6.37 call the console of dom0 xvc0. */
static void dom0_console_find(struct repair *repair)
{
	CLEANUP(xen_entry_done) struct xen_entry entry = { 0 };
	unsigned major, minor, patch;

	xen_entry_find(repair, false, &entry);
	if (!entry.kernel)
		return;
	CLEANUP(free_cleanup) char *release = kernel_release(repair->target, entry.kernel);
	if (sscanf(release, "%u.%u.%u", &major, &minor, &patch) == 3 && major == 2 && minor == 6 &&
	    patch < 37 && strstr(release, "xen"))
		repair->facts.facts.dom0_console = "xvc0";
}

/* What boots the system, if it is nothing that is repaired. */
static void loaders_look(struct repair *repair)
{
	static const struct {
		const char *path, *name;
	} others[] = {
		{ "/boot/extlinux.conf", "EXTLINUX" },
		{ "/boot/extlinux/extlinux.conf", "EXTLINUX" },
		{ "/extlinux.conf", "EXTLINUX" },
		{ "/boot/syslinux/syslinux.cfg", "SYSLINUX" },
		{ "/boot/syslinux.cfg", "SYSLINUX" },
		{ "/etc/lilo.conf", "LILO" },
		{ "/etc/elilo.conf", "ELILO" },
		{ "/boot/limine.conf", "Limine" },
		{ "/boot/refind_linux.conf", "rEFInd" },
	};
	const struct fix_files *files = &repair->files;
	bool found = false;

	if (files_first(files, GRUBFIX_LEGACY) || files_first(files, GRUBFIX_GRUB_CFG) ||
	    files_first(files, GRUBFIX_XEN_CFG))
		return;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (!target_exists(repair->target, others[i].path))
			continue;
		found = true;
		strv_format(&repair->remarks,
			    "%s is left: nestctl does not understand the menu of %s: see by hand "
			    "that each root= there names the file system by its UUID, and that Xen "
			    "is the default",
			    others[i].path, others[i].name);
	}
	if (!found)
		strv_add(&repair->remarks, "no boot menu was found in /boot/grub or "
					   "/boot/grub2");
}

static int rules_check(const struct strv *rules, const char *option, struct err *err)
{
	for (size_t i = 0; i < rules->count; i++) {
		size_t at = 0;

		while (grubfix_rule_at(at) &&
		       !str_equal(grubfix_rule_id(grubfix_rule_at(at)), rules->items[i]))
			at++;
		if (!grubfix_rule_at(at))
			return err_set(err, -EINVAL,
				       "--%s %s: there is no such rule (--list-rules shows all)",
				       option, rules->items[i]);
	}
	return 0;
}

int repair_plan(struct target *target, const struct fix_wishes *wishes, const char *menu_from,
		struct repair *ret_repair, struct err *err)
{
	*ret_repair = (struct repair){ .target = target, .wishes = wishes };
	int r = rules_check(&wishes->only, "only", err);

	if (r == 0)
		r = rules_check(&wishes->skip, "skip", err);
	if (r == 0)
		r = files_collect(target, &ret_repair->files, &ret_repair->remarks, err);
	if (r == 0 && menu_from)
		r = menu_take(ret_repair, menu_from, err);
	if (r == 0)
		r = disk_facts_make(target, &ret_repair->files, wishes, &ret_repair->facts, err);
	if (r < 0)
		return r;
	loaders_look(ret_repair);
	dom0_console_find(ret_repair);
	for (size_t i = 0; i < ret_repair->files.count && r == 0; i++)
		r = file_plan(ret_repair, &ret_repair->files.items[i], err);
	if (r < 0)
		return err_wrap(err, r, "%s", target_name(target));
	r = chain_check(target, &ret_repair->files, &ret_repair->facts.facts, err);
	if (r < 0)
		return r;
	initrd_look(ret_repair);
	return 0;
}

size_t repair_changed(const struct repair *repair)
{
	size_t count = 0;

	for (size_t i = 0; i < repair->files.count; i++)
		count += repair->files.items[i].changed;
	return count;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int all_write(struct repair *repair, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < repair->files.count && r == 0; i++) {
		const struct fix_file *file = &repair->files.items[i];

		if (file->changed)
			r = target_replace(repair->target, file->real, file->result.text,
					   file->result.length, err);
	}
	return r < 0 ? r : target_commit(repair->target, err);
}

/* What is on the disk now is what was meant, and no rule wants to edit it. */
static int file_verify(struct repair *repair, const struct fix_file *file, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(grubfix_result_done) struct grubfix_result again = { 0 };
	struct grubfix_facts facts = facts_for(repair, file);
	struct grubfix_request request = request_of(repair, file, &facts);
	size_t length;
	int r = target_read(repair->target, file->real, GRUBFIX_MAX_BYTES, &text, &length, err);

	if (r < 0)
		return r;
	if (length != file->result.length || memcmp(text, file->result.text, length) != 0)
		return err_set(err, -EIO, "%s is not what was written", file->path);
	request.text = text;
	request.length = length;
	r = grubfix_run(&request, &again, err);
	if (r == 0 && again.changed)
		r = err_set(err, -EIO, "%s wants further edits", file->path);
	return r;
}

static int all_verify(struct repair *repair, struct err *err)
{
	int r = target_check(repair->target, err);

	for (size_t i = 0; i < repair->files.count && r == 0; i++)
		if (repair->files.items[i].changed)
			r = file_verify(repair, &repair->files.items[i], err);
	return r;
}

int repair_write(struct repair *repair, struct err *err)
{
	struct err undo = { 0 };

	if (repair_changed(repair) == 0)
		return 0;
	int r = target_check(repair->target, err);
	if (r < 0)
		return r;
	r = all_write(repair, err);
	if (r == 0)
		r = all_verify(repair, err);
	if (r == 0)
		return 0;
	if (target_revert(repair->target, &undo) < 0)
		err_wrap(err, r, "%s: the repair failed, and putting back what was there too (%s)",
			 target_name(repair->target), undo.text);
	else
		err_wrap(err, r, "%s: the repair failed, what was there is back",
			 target_name(repair->target));
	err_clear(&undo);
	return r;
}

void repair_done(struct repair *repair)
{
	files_done(&repair->files);
	disk_facts_done(&repair->facts);
	free(repair->grub2_entry);
	strv_done(&repair->menu_only);
	strv_done(&repair->menu_skip);
	strv_done(&repair->remarks);
	*repair = (struct repair){ 0 };
}
