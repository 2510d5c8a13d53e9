#include "cmd/fix_guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "fix/guest_file.h"
#include "grubfix/report.h"

static const struct option_row options[] = {
	{ "to", 0, "xl|xm", "translate it for this toolstack" },
	{ "nested", 0, NULL, "hap=1 and nestedhvm=1, no PV-only network card" },
	{ "tsc-mode", 0, "MODE", "set tsc_mode" },
	{ "hdtype", 0, "TYPE", "set hdtype: ide or ahci" },
	{ "serial", 0, "TARGET", "set serial, as pty" },
	{ "type", 0, "TYPE", "what FILE is: xm, xl, sxp, libvirt (default: by content)" },
	{ "dry-run", 'n', NULL, "show a diff, rules and reasons; write nothing" },
	{ "json", 0, NULL, "one JSON object on standard output" },
	{ NULL, 0, NULL, NULL },
};

static int wishes_read(const struct arguments *arguments, struct grubfix_guest *ret_guest,
		       enum grubfix_type *ret_type, struct err *err)
{
	const char *to = argument(arguments, "to"), *type = argument(arguments, "type");

	*ret_guest = (struct grubfix_guest){
		.nested = argument_given(arguments, "nested"),
		.tsc_mode = argument(arguments, "tsc-mode"),
		.hdtype = argument(arguments, "hdtype"),
		.serial = argument(arguments, "serial"),
		.translate_to = to ? grubfix_type_from_name(to) : GRUBFIX_UNKNOWN,
	};
	*ret_type = type ? grubfix_type_from_name(type) : GRUBFIX_UNKNOWN;
	if (to && ret_guest->translate_to != GRUBFIX_XL && ret_guest->translate_to != GRUBFIX_XM)
		return err_set(err, -EINVAL, "--to: \"%s\" is none of xl, xm", to);
	if (type && *ret_type < GRUBFIX_XM)
		return err_set(err, -EINVAL, "--type: \"%s\" is none of xm, xl, sxp, libvirt",
			       type);
	return 0;
}

static void print_text(const struct guest_file *file, const char *name, bool dry_run)
{
	CLEANUP(buf_done) struct buf report = { 0 };

	report_text(name, &file->result, true, &report);
	for (const char *line = buf_str(&report); *line;) {
		size_t length = strcspn(line, "\n");

		printf("%s%.*s\n", dry_run ? "# " : "", (int)length, line);
		line += length + 1;
	}
	if (dry_run) {
		CLEANUP(free_cleanup)
		char *diff = grubfix_diff(name, file->text, file->length, file->result.text,
					  file->result.length);

		fputs(diff, stdout);
	}
	if (!file->result.changed)
		printf("%s%s: nothing to change\n", dry_run ? "# " : "", name);
	else if (!dry_run)
		printf("%s: changed, as it was: %s.nestctl-orig\n", name, file->path);
}

static int fix_guest_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(guest_file_done) struct guest_file file = { 0 };
	bool dry_run = argument_given(arguments, "dry-run");
	const char *name = arguments->rest[0];
	enum grubfix_type type;
	struct grubfix_guest guest;
	int r = wishes_read(arguments, &guest, &type, err);

	if (r == 0)
		r = guest_file_plan(name, type, &guest, &file, err);
	if (r == 0 && !dry_run)
		r = guest_file_write(&file, err);
	if (r < 0)
		return r;
	if (argument_given(arguments, "json")) {
		CLEANUP(buf_done) struct buf json = { 0 };

		report_json(name, &file.result, &json);
		fputs(buf_str(&json), stdout);
		return 0;
	}
	print_text(&file, name, dry_run);
	return 0;
}

const struct command fix_guest_command = {
	.name = "fix-guest",
	.synopsis = "FILE [--to xl|xm] [--nested] [--dry-run] ...",
	.summary = "Repairs a guest config so that the guest can nest",
	.options = options,
	.min_rest = 1,
	.max_rest = 1,
	.run = fix_guest_run,
};
