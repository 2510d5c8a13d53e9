#include "cmd/fix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fix/show.h"

#define PARTITION_MAX 128

static const struct option_row options[] = {
	{ "dry-run", 'n', NULL, "show a diff, rules and reasons; write nothing" },
	{ "json", 0, NULL, "one JSON object on standard output" },
	{ "root", 0, "DIR", "repair the system unpacked or mounted there" },
	{ "root-partition", 0, "N", "the partition with the root file system" },
	{ "menu-from", 0, "SOURCE", "take the menu of this file, URL or image" },
	{ "only", 0, "RULES", "these rules alone, separated by commas" },
	{ "skip", 0, "RULES", "all rules but these" },
	{ "list-rules", 0, NULL, "list the rules with their reasons" },
	{ "style", 0, "STYLE", "write root= as uuid (the default), label or by-uuid" },
	{ "device", 0, "NAME=UUID", "what an old name means; several with commas" },
	{ "root-uuid", 0, "UUID", "the root file system, where --root cannot tell" },
	{ "swap-uuid", 0, "UUID", "the swap partition, where --root cannot tell" },
	{ "disk", 0, "NAME", "what device.map shall call the disk (default: /dev/sda)" },
	{ "console", 0, NULL, "hypervisor and GRUB on com1, dom0 on hvc0" },
	{ "dom0-mem", 0, "SIZE", "memory of dom0, as 1024M" },
	{ NULL, 0, NULL, NULL },
};

static int list_read(const struct arguments *arguments, const char *option, struct strv *ret_list,
		     struct err *err)
{
	const char *text = argument(arguments, option);

	if (!text)
		return 0;
	while (*text) {
		size_t length = strcspn(text, ",");

		if (length > 0)
			strv_format(ret_list, "%.*s", (int)length, text);
		text += length + (text[length] == ',');
	}
	return ret_list->count > 0 ? 0 : err_set(err, -EINVAL, "--%s: names nothing", option);
}

static int uuid_read(const struct arguments *arguments, const char *option, const char **ret_uuid,
		     struct err *err)
{
	*ret_uuid = argument(arguments, option);
	if (*ret_uuid && !grubfix_is_uuid(*ret_uuid))
		return err_set(err, -EINVAL, "--%s: \"%s\" is no UUID (blkid shows it)", option,
			       *ret_uuid);
	return 0;
}

static int style_parse(const char *text, enum grubfix_style *style, struct err *err)
{
	static const struct {
		const char *name;
		enum grubfix_style style;
	} styles[] = {
		{ "uuid", GRUBFIX_UUID },
		{ "label", GRUBFIX_LABEL },
		{ "by-uuid", GRUBFIX_BY_UUID },
	};

	for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
		if (!text || str_equal(text, styles[i].name)) {
			*style = styles[i].style;
			return 0;
		}
	return err_set(err, -EINVAL, "--style: \"%s\" is none of uuid, label, by-uuid", text);
}

static int wishes_read(const struct arguments *arguments, struct fix_wishes *ret_wishes,
		       struct err *err)
{
	const struct {
		const char *option;
		struct strv *list;
	} lists[] = {
		{ "device", &ret_wishes->devices },
		{ "only", &ret_wishes->only },
		{ "skip", &ret_wishes->skip },
	};
	int r = uuid_read(arguments, "root-uuid", &ret_wishes->root_uuid, err);

	if (r == 0)
		r = uuid_read(arguments, "swap-uuid", &ret_wishes->swap_uuid, err);
	for (size_t i = 0; r == 0 && i < sizeof lists / sizeof *lists; i++)
		r = list_read(arguments, lists[i].option, lists[i].list, err);
	if (r < 0)
		return r;
	ret_wishes->disk = argument(arguments, "disk");
	ret_wishes->dom0_mem = argument(arguments, "dom0-mem");
	ret_wishes->console = argument_given(arguments, "console");
	if ((ret_wishes->root_uuid || ret_wishes->swap_uuid) && !argument_given(arguments, "root"))
		return err_set(err, -EINVAL,
			       "--root-uuid and --swap-uuid go with --root: an image tells them "
			       "itself");
	return style_parse(argument(arguments, "style"), &ret_wishes->style, err);
}

static void wishes_done(struct fix_wishes *wishes)
{
	strv_done(&wishes->devices);
	strv_done(&wishes->only);
	strv_done(&wishes->skip);
}

static int open_target(const struct arguments *arguments, bool writable, struct target **ret_target,
		       struct err *err)
{
	const char *folder = argument(arguments, "root");
	unsigned partition = 0;
	int r = argument_number(arguments, "root-partition", 1, PARTITION_MAX, &partition, err);

	if (r < 0)
		return r;
	if ((folder != NULL) == (arguments->rest_count > 0))
		return err_set(err, -EINVAL, "fix: name either an IMAGE or a folder with --root");
	if (folder && partition)
		return err_set(err, -EINVAL, "fix: --root-partition goes with an IMAGE");
	return folder ? target_open_folder(folder, ret_target, err)
		      : target_open_image(arguments->rest[0], partition, writable, ret_target, err);
}

static void list_rules(void)
{
	for (size_t i = 0; grubfix_rule_at(i); i++)
		printf("%-14s %s\n", grubfix_rule_id(grubfix_rule_at(i)),
		       grubfix_rule_why(grubfix_rule_at(i)));
}

static int fix_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(wishes_done) struct fix_wishes wishes = { 0 };
	CLEANUP(target_cleanup) struct target *target = NULL;
	CLEANUP(repair_done) struct repair repair = { 0 };
	bool dry_run = argument_given(arguments, "dry-run");

	if (argument_given(arguments, "list-rules")) {
		list_rules();
		return 0;
	}
	int r = wishes_read(arguments, &wishes, err);
	if (r == 0)
		r = open_target(arguments, !dry_run, &target, err);
	if (r == 0)
		r = repair_plan(target, &wishes, argument(arguments, "menu-from"), &repair, err);
	if (r == 0 && !dry_run)
		r = repair_write(&repair, err);
	if (r < 0)
		return r;
	if (argument_given(arguments, "json"))
		return show_json(&repair, dry_run, err);
	show_text(&repair, dry_run);
	return 0;
}

const struct command fix_command = {
	.name = "fix",
	.synopsis = "IMAGE | --root DIR [--dry-run] ...",
	.summary = "Repairs the boot menu, fstab and the like inside a disk image",
	.options = options,
	.min_rest = 0,
	.max_rest = 1,
	.run = fix_run,
};
