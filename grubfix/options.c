#include "options.h"

#include <errno.h>
#include <string.h>

enum option_kind { FLAG, TEXT, MANY, COMMAS };

#define AT(field) offsetof(struct options, field)

static const struct {
	const char *name, *value, *help;
	enum option_kind kind;
	size_t offset;
} table[] = {
	{ "--type", "TYPE", "what the file is (found from its name and content)", TEXT, AT(type) },
	{ "--root-uuid", "UUID", "UUID of the root file system", TEXT, AT(root_uuid) },
	{ "--root-label", "LABEL", "label of the root file system", TEXT, AT(root_label) },
	{ "--swap-uuid", "UUID", "UUID of the swap area", TEXT, AT(swap_uuid) },
	{ "--boot-uuid", "UUID", "UUID of a separate /boot", TEXT, AT(boot_uuid) },
	{ "--partition", "N=UUID[,WORD...]",
	  "one partition of the image; words: root, swap, boot, type=T, label=L, mount=PATH, "
	  "partuuid=U, partlabel=L",
	  MANY, AT(partitions) },
	{ "--device", "NAME=UUID", "what an old name means", MANY, AT(devices) },
	{ "--disk-name", "NAME", "a further name of the image's disk (/dev/sdb)", MANY,
	  AT(disk_names) },
	{ "--disk", "NAME", "the disk that device.map shall call (hd0)", TEXT, AT(disk) },
	{ "--files", "LIST", "a file with one path a line: what exists in the image", TEXT,
	  AT(files) },
	{ "--style", "uuid|label|by-uuid", "how root= is written", TEXT, AT(style) },
	{ "--adopt-root", NULL, "the menu is another machine's: each root= means our root", FLAG,
	  AT(adopt_root) },
	{ "--default-xen", NULL, "boot the Xen entry", FLAG, AT(default_xen) },
	{ "--default-entry", "ENTRY", "its name, for files that hold no entries", TEXT,
	  AT(default_entry) },
	{ "--no-grubenv", NULL, "GRUB 2 has no environment block: no entry is saved", FLAG,
	  AT(no_grubenv) },
	{ "--console", NULL, "hypervisor, dom0 and GRUB on the serial line", FLAG, AT(console) },
	{ "--com1", "MODE", "mode of the serial line (115200,8n1)", TEXT, AT(com1) },
	{ "--dom0-console", "NAME", "dom0's console device (hvc0)", TEXT, AT(dom0_console) },
	{ "--dom0-mem", "SIZE", "dom0_mem=SIZE,max:SIZE for the hypervisor", TEXT, AT(dom0_mem) },
	{ "--xen-arg", "ARG", "a further hypervisor argument", MANY, AT(xen_args) },
	{ "--dom0-arg", "ARG", "a further argument of the dom0 kernel", MANY, AT(dom0_args) },
	{ "--nested", NULL, "guest configs: hap and nestedhvm", FLAG, AT(nested) },
	{ "--to", "xl|xm", "guest configs: translate", TEXT, AT(to) },
	{ "--serial", "TARGET", "guest configs: serial line (pty)", TEXT, AT(serial) },
	{ "--tsc-mode", "MODE", "guest configs: tsc_mode", TEXT, AT(tsc_mode) },
	{ "--hdtype", "ide|ahci", "guest configs: disk controller", TEXT, AT(hdtype) },
	{ "--only", "RULE,...", "apply these rules only", COMMAS, AT(only) },
	{ "--skip", "RULE,...", "leave these rules out", COMMAS, AT(skip) },
	{ "--dry-run", NULL, "print a unified diff and the reasons", FLAG, AT(dry_run) },
	{ "--explain", NULL, "say on standard error what was changed and why", FLAG, AT(explain) },
	{ "--json", NULL, "print text and findings as JSON", FLAG, AT(json) },
	{ "--list-rules", NULL, "print the rules and end", FLAG, AT(list_rules) },
	{ "--markdown", NULL, "with --list-rules: the page with before and after", FLAG,
	  AT(markdown) },
	{ "--help", NULL, "print this and end", FLAG, AT(help) },
};

#define OPTIONS (sizeof table / sizeof *table)

void options_print_help(FILE *out)
{
	fputs("Usage: grubfix [OPTIONS] FILE|-\n"
	      "       grubfix [OPTIONS] --dry-run FILE...\n"
	      "Repairs a boot menu, its sources, fstab or a guest config for a nested Xen host:\n"
	      "reads FILE, writes the repaired text to standard output.\n\n",
	      out);
	for (size_t i = 0; i < OPTIONS; i++) {
		CLEANUP(free_cleanup)
		char *usage = str_format("%s%s%s", table[i].name, table[i].value ? " " : "",
					 table[i].value ? table[i].value : "");
		fprintf(out, "  %-28s %s\n", usage, table[i].help);
	}
	fputs("\nTypes:", out);
	for (enum grubfix_type type = GRUBFIX_UNKNOWN + 1; type < GRUBFIX_TYPES; type++)
		fprintf(out, " %s", grubfix_type_name(type));
	fputs("\nExit status: 0 done, 2 wrong usage, 3 the file has wrong content, 1 otherwise.\n",
	      out);
}

static void add_commas(struct strv *list, const char *value)
{
	for (;; value++) {
		size_t length = strcspn(value, ",");

		if (length > 0)
			strv_format(list, "%.*s", (int)length, value);
		value += length;
		if (!*value)
			return;
	}
}

static int option_set(size_t i, const char *value, struct options *options, struct err *err)
{
	void *field = (char *)options + table[i].offset;

	if (value && table[i].kind == FLAG)
		return err_set(err, -EINVAL, "%s takes no value", table[i].name);
	switch (table[i].kind) {
	case FLAG:
		*(bool *)field = true;
		break;
	case TEXT:
		*(const char **)field = value;
		break;
	case MANY:
		strv_add(field, value);
		break;
	case COMMAS:
		add_commas(field, value);
		if (((struct strv *)field)->count == 0)
			return err_set(err, -EINVAL, "%s: names no rule", table[i].name);
		break;
	}
	return 0;
}

/* "--name value" or "--name=value". */
static int option_parse(int argc, char **argv, int *at, struct options *options, struct err *err)
{
	const char *argument = argv[*at];
	size_t length = strcspn(argument, "=");

	for (size_t i = 0; i < OPTIONS; i++) {
		const char *value = argument[length] ? argument + length + 1 : NULL;

		if (strlen(table[i].name) != length ||
		    strncmp(table[i].name, argument, length) != 0)
			continue;
		if (!value && table[i].kind != FLAG) {
			if (*at + 1 >= argc)
				return err_set(err, -EINVAL, "%s needs a value (%s)", table[i].name,
					       table[i].value);
			value = argv[++*at];
		}
		return option_set(i, value, options, err);
	}
	return err_set(err, -EINVAL, "%.*s is no option (--help shows all)", (int)length, argument);
}

int options_parse(int argc, char **argv, struct options *ret_options, struct err *err)
{
	bool only_files = false;

	for (int i = 1; i < argc; i++) {
		int r = 0;

		if (!only_files && strcmp(argv[i], "--") == 0)
			only_files = true;
		else if (!only_files && argv[i][0] == '-' && argv[i][1])
			r = option_parse(argc, argv, &i, ret_options, err);
		else
			strv_add(&ret_options->inputs, argv[i]);
		if (r < 0)
			return r;
	}
	if (!ret_options->inputs.count && !ret_options->help && !ret_options->list_rules)
		return err_set(err, -EINVAL, "no file is named (- is standard input)");
	if (ret_options->inputs.count > 1 && (!ret_options->dry_run || ret_options->json))
		return err_set(err, -EINVAL,
			       "%s and %s: several files go with --dry-run, which prints their "
			       "diffs, and not with --json",
			       ret_options->inputs.items[0], ret_options->inputs.items[1]);
	return 0;
}

void options_done(struct options *options)
{
	strv_done(&options->inputs);
	strv_done(&options->devices);
	strv_done(&options->partitions);
	strv_done(&options->disk_names);
	strv_done(&options->xen_args);
	strv_done(&options->dom0_args);
	strv_done(&options->only);
	strv_done(&options->skip);
}
