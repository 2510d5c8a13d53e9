/* From options to facts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "options.h"

#define FILES_MAX_BYTES ((size_t)256 << 20)

static const char *text_keep(struct option_facts *facts, const char *text, size_t length)
{
	strv_format(&facts->texts, "%.*s", (int)length, text);
	return facts->texts.items[facts->texts.count - 1];
}

static int partition_word(struct option_facts *facts, struct grubfix_filesystem *fs,
			  const char *word, size_t length, const char *option, struct err *err)
{
	const char *text = text_keep(facts, word, length);
	const struct {
		const char *key;
		const char **field;
	} values[] = {
		{ "label=", &fs->label },	  { "type=", &fs->type },
		{ "mount=", &fs->mount_point },	  { "partuuid=", &fs->partuuid },
		{ "partlabel=", &fs->partlabel },
	};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (str_starts(text, values[i].key)) {
			*values[i].field = text + strlen(values[i].key);
			return 0;
		}
	if (str_equal(text, "root"))
		fs->is_root = true;
	else if (str_equal(text, "swap"))
		fs->is_swap = true;
	else if (str_equal(text, "boot"))
		fs->is_boot = true;
	else
		return err_set(err, -EINVAL,
			       "--partition %s: \"%s\" is no word (root, swap, boot, type=, "
			       "label=, mount=, partuuid=, partlabel=)",
			       option, text);
	return 0;
}

static int uuid_error(const char *option, const char *text, struct err *err)
{
	return err_set(err, -EINVAL, "%s: \"%s\" is no UUID (blkid shows it)", option, text);
}

static int partition_add(struct option_facts *facts, const char *option, struct err *err)
{
	struct grubfix_filesystem *fs = facts->filesystems + facts->facts.filesystem_count;
	char *end;
	unsigned long number = strtoul(option, &end, 10);

	if (number == 0 || number > 256 || *end != '=')
		return err_set(err, -EINVAL, "--partition %s: write NUMBER=UUID,WORD,...", option);
	const char *word = end + 1;
	size_t length = strcspn(word, ",");
	fs->partition = (unsigned)number;
	fs->uuid = length > 0 ? text_keep(facts, word, length) : NULL;
	if (fs->uuid && !grubfix_is_uuid(fs->uuid))
		return uuid_error("--partition", fs->uuid, err);
	facts->facts.filesystem_count++;
	for (word += length; *word; word += length) {
		word++;
		length = strcspn(word, ",");
		int r = partition_word(facts, fs, word, length, option, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --root-uuid and its like: of a partition that is listed, or of one whose number is not known. */
static struct grubfix_filesystem *filesystem_get(struct option_facts *facts, const char *uuid)
{
	for (size_t i = 0; uuid && i < facts->facts.filesystem_count; i++)
		if (str_equal(facts->filesystems[i].uuid, uuid))
			return facts->filesystems + i;
	struct grubfix_filesystem *fs = facts->filesystems + facts->facts.filesystem_count++;
	fs->uuid = uuid;
	return fs;
}

static int device_add(struct option_facts *facts, const char *option, struct err *err)
{
	const char *equals = strrchr(option, '=');

	if (!equals || equals == option || !equals[1])
		return err_set(err, -EINVAL, "--device %s: write NAME=UUID", option);
	if (!grubfix_is_uuid(equals + 1))
		return uuid_error("--device", equals + 1, err);
	facts->devices[facts->facts.device_count++] = (struct grubfix_device){
		.name = text_keep(facts, option, (size_t)(equals - option)),
		.uuid = equals + 1,
	};
	filesystem_get(facts, equals + 1);
	return 0;
}

static int uuids_check(const struct options *options, struct err *err)
{
	const struct {
		const char *option, *uuid;
	} uuids[] = {
		{ "--root-uuid", options->root_uuid },
		{ "--swap-uuid", options->swap_uuid },
		{ "--boot-uuid", options->boot_uuid },
	};

	for (size_t i = 0; i < sizeof uuids / sizeof *uuids; i++)
		if (uuids[i].uuid && !grubfix_is_uuid(uuids[i].uuid))
			return uuid_error(uuids[i].option, uuids[i].uuid, err);
	return 0;
}

static int filesystems_make(const struct options *options, struct option_facts *facts,
			    struct err *err)
{
	int r = uuids_check(options, err);

	if (r < 0)
		return r;

	facts->filesystems = mem_alloc((options->partitions.count + options->devices.count + 3) *
				       sizeof *facts->filesystems);
	facts->devices = mem_alloc((options->devices.count + 1) * sizeof *facts->devices);
	for (size_t i = 0; r == 0 && i < options->partitions.count; i++)
		r = partition_add(facts, options->partitions.items[i], err);
	if (options->root_uuid || options->root_label) {
		struct grubfix_filesystem *root = filesystem_get(facts, options->root_uuid);

		root->is_root = true;
		if (options->root_label)
			root->label = options->root_label;
	}
	if (options->swap_uuid)
		filesystem_get(facts, options->swap_uuid)->is_swap = true;
	if (options->boot_uuid)
		filesystem_get(facts, options->boot_uuid)->is_boot = true;
	for (size_t i = 0; r == 0 && i < options->devices.count; i++)
		r = device_add(facts, options->devices.items[i], err);
	facts->facts.filesystems = facts->filesystems;
	facts->facts.devices = facts->devices;
	return r;
}

static int path_compare(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

static bool path_listed(void *context, const char *path)
{
	const struct strv *paths = context;

	return paths->count > 0 && bsearch(path, paths->items, paths->count, sizeof *paths->items,
					   path_compare) != NULL;
}

static int paths_read(const char *list, struct option_facts *facts, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	char *rest, *line;
	size_t length;
	int r = input_read(list, FILES_MAX_BYTES, &text, &length, err);

	if (r < 0)
		return r;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		strv_format(&facts->paths, "%s%s", *line == '/' ? "" : "/",
			    str_starts(line, "./") ? line + 2 : line);
	strv_sort(&facts->paths);
	facts->facts.file_exists = path_listed;
	facts->facts.context = &facts->paths;
	return 0;
}

static int style_set(const char *style, struct grubfix_facts *facts, struct err *err)
{
	if (!style || str_equal(style, "uuid"))
		facts->style = GRUBFIX_UUID;
	else if (str_equal(style, "label"))
		facts->style = GRUBFIX_LABEL;
	else if (str_equal(style, "by-uuid"))
		facts->style = GRUBFIX_BY_UUID;
	else
		return err_set(err, -EINVAL, "--style %s: write uuid, label or by-uuid", style);
	return 0;
}

static int translation_set(const char *to, struct grubfix_guest *guest, struct err *err)
{
	if (!to)
		return 0;
	guest->translate_to = grubfix_type_from_name(to);
	if (guest->translate_to != GRUBFIX_XL && guest->translate_to != GRUBFIX_XM)
		return err_set(err, -EINVAL, "--to %s: write xl or xm", to);
	return 0;
}

int option_facts_make(const struct options *options, struct option_facts *ret_facts,
		      struct err *err)
{
	struct grubfix_facts *facts = &ret_facts->facts;

	facts->adopt_root = options->adopt_root;
	facts->disk_names = (const char *const *)options->disk_names.items;
	facts->disk = options->disk;
	facts->xen_default = options->default_xen || options->default_entry;
	facts->default_entry = options->default_entry;
	facts->no_grubenv = options->no_grubenv;
	facts->console = options->console;
	facts->com1 = options->com1;
	facts->dom0_console = options->dom0_console;
	facts->dom0_mem = options->dom0_mem;
	facts->xen_args = (const char *const *)options->xen_args.items;
	facts->dom0_args = (const char *const *)options->dom0_args.items;
	facts->guest = (struct grubfix_guest){
		.nested = options->nested,
		.serial = options->serial,
		.tsc_mode = options->tsc_mode,
		.hdtype = options->hdtype,
	};
	int r = filesystems_make(options, ret_facts, err);
	if (r == 0)
		r = style_set(options->style, facts, err);
	if (r == 0)
		r = translation_set(options->to, &facts->guest, err);
	if (r == 0 && options->files)
		r = paths_read(options->files, ret_facts, err);
	return r;
}

void option_facts_done(struct option_facts *facts)
{
	free(facts->filesystems);
	free(facts->devices);
	strv_done(&facts->texts);
	strv_done(&facts->paths);
}
