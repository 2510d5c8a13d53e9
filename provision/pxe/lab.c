/* From a lab file to a struct lab: its keys, and a stack of its own for every machine. */
#include "pxe/lab.h"

#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "profile/load.h"
#include "profile/valid.h"
#include "pxe/lab_keys.h"

#define REFERENCE "nestctl schema --lab --reference"

static void lower_case(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

/* ---- machines ---- */

static void disk_set(const struct machine_row *row, struct lab_disk *disk)
{
	disk->wipe = row->wipe;
	disk->max_bytes = LAB_DISK_MAX;
	if (disk_sizes_parse(row->disk_size, &disk->min_bytes, &disk->max_bytes))
		disk->pick = LAB_DISK_SIZE;
	else if (*row->disk_serial)
		disk->pick = LAB_DISK_SERIAL;
	else if (*row->disk_by_id)
		disk->pick = LAB_DISK_BY_ID;
	else
		disk->pick = LAB_DISK_ONLY;
	disk->text = str_copy(*row->disk_serial ? row->disk_serial : row->disk_by_id);
}

static struct stack *stack_of(struct lab_file *file, const struct machine_row *row,
			      const char *machine_name)
{
	/* A machine's name has no dot: no two labs and machines make the same. */
	CLEANUP(free_cleanup) char *name = str_format("%s.%s", file->lab.name, machine_name);
	const struct stack_identity identity = { name, machine_name, row->mac };
	struct stack *stack = stack_load_for_machine(row->stack, &identity, file->diagnostics);

	for (size_t i = 0; i < stack->sources.count; i++)
		if (!strv_has(&file->lab.sources, stack->sources.items[i]))
			strv_add(&file->lab.sources, stack->sources.items[i]);
	return stack;
}

static void machine_add(struct lab_file *file, const struct machine_row *row, char *name)
{
	struct lab *lab = &file->lab;

	lab->machines = mem_grow(lab->machines, lab->machine_count + 1, sizeof *lab->machines);
	struct lab_machine *machine = &lab->machines[lab->machine_count++];
	*machine = (struct lab_machine){ .name = name,
					 .mac = str_copy(row->mac),
					 .uuid = str_copy(row->uuid),
					 .any = row->any > 0,
					 .stack = stack_of(file, row, name),
					 .way = row->way,
					 .boot = row->boot,
					 .mark = row->map->mark };
	disk_set(row, &machine->disk);
}

static bool stack_is_there(struct lab_file *file, const struct machine_row *row)
{
	if (strv_has(&row->wrong, "stack"))
		return false;
	int r = file_check_regular(row->stack);
	if (r < 0)
		lab_row_wrong(file, row, "stack",
			      "found \"%s\", which cannot be read (%s); allowed is an existing "
			      "file, relative to the one that names it",
			      row->stack, strerror(-r));
	return r == 0;
}

/* What is wrong with the first stack of a row is wrong with all of them. */
static void machines_make(struct lab_file *file, struct machine_row *row)
{
	size_t before = diagnostics_count(file->diagnostics);
	unsigned count = row->any ? row->any : 1;

	if (!stack_is_there(file, row))
		return;
	row->first = file->lab.machine_count;
	for (unsigned i = 1; i <= count && diagnostics_count(file->diagnostics) == before; i++) {
		machine_add(file, row,
			    row->any ? str_format("%s-%u", row->name, i) : str_copy(row->name));
		row->count++;
	}
	row->sound = diagnostics_count(file->diagnostics) == before;
}

static void row_parse(struct lab_file *file, const struct node *map, size_t index)
{
	CLEANUP(free_cleanup) char *prefix = str_format("machines[%zu].", index + 1);

	file->rows = mem_grow(file->rows, file->row_count + 1, sizeof *file->rows);
	struct machine_row *row = &file->rows[file->row_count++];
	*row = (struct machine_row){ .map = map };
	keys_parse(machine_keys,
		   &(struct key_source){ .map = map,
					 .mark = &map->mark,
					 .prefix = prefix,
					 .diagnostics = file->diagnostics,
					 .reference = REFERENCE,
					 .wrong = &row->wrong },
		   row);
	char **const texts[] = { &row->name,	  &row->mac,	     &row->uuid,      &row->stack,
				 &row->disk_size, &row->disk_serial, &row->disk_by_id };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (!*texts[i])
			*texts[i] = str_copy("");
	lower_case(row->mac);
	lower_case(row->uuid);
	if (strv_has(&row->wrong, "any"))
		row->any = 1;
}

static void rows_parse(struct lab_file *file)
{
	const struct node *machines = node_at(file->root, "machines");

	if (!machines || machines->kind != NODE_LIST)
		return;
	if (machines->count == 0)
		diagnostic_add(file->diagnostics, &machines->mark,
			       "machines: found none; allowed is at least one");
	for (size_t i = 0; i < machines->count; i++)
		if (machines->items[i]->kind == NODE_MAP)
			row_parse(file, machines->items[i], i);
	for (size_t i = 0; i < file->row_count; i++)
		machines_make(file, &file->rows[i]);
}

/* ---- derived MACs ---- */

/* They have 23 bits, and a thousand layers would meet. Pinned ones stay. */
static void mac_settle(struct strv *taken, const struct stack *stack, struct layer *layer)
{
	for (unsigned attempt = 1; strv_has(taken, layer->machine.mac); attempt++) {
		free(layer->machine.mac);
		layer->machine.mac = mac_derive(stack->name, layer->name, attempt);
	}
	strv_add(taken, layer->machine.mac);
}

static bool mac_is_derived(const struct lab_machine *machine, const struct layer *layer)
{
	return !layer_has_own_mac(layer) && (layer->outer || !*machine->mac);
}

static void macs_settle(struct lab *lab)
{
	CLEANUP(strv_done) struct strv taken = { 0 };

	for (int derived = 0; derived <= 1; derived++)
		for (size_t i = 0; i < lab->machine_count; i++) {
			const struct stack *stack = lab->machines[i].stack;

			for (size_t j = 0; j < stack->layer_count; j++) {
				struct layer *layer = stack->layers[j];
				bool is_derived = mac_is_derived(&lab->machines[i], layer);

				if (derived && is_derived)
					mac_settle(&taken, stack, layer);
				else if (!derived && !is_derived)
					strv_add(&taken, layer->machine.mac);
			}
		}
}

/* ---- the lab ---- */

static void name_complete(struct lab_file *file)
{
	struct lab *lab = &file->lab;

	if (strv_has(&file->wrong, "name") || *lab->name)
		return;
	free(lab->name);
	lab->name = name_of_file(lab->path);
	if (!valid_name(lab->name))
		diagnostic_add(file->diagnostics, &file->root->mark,
			       "name: found nothing, and the file's name is \"%s\"; allowed is "
			       "letters, digits, - _ and ., at most 63, beginning with a letter or "
			       "digit",
			       lab->name);
}

static void file_parse(struct lab_file *file)
{
	struct lab *lab = &file->lab;

	keys_parse(lab_keys,
		   &(struct key_source){ .map = file->root,
					 .mark = &file->root->mark,
					 .prefix = "",
					 .diagnostics = file->diagnostics,
					 .reference = REFERENCE,
					 .wrong = &file->wrong },
		   file);
	char **const texts[] = { &lab->name,	&lab->interface,      &lab->address,
				 &lab->gateway, &lab->status_address, &file->range };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (!*texts[i])
			*texts[i] = str_copy("");
	if (!range_parse(file->range, &lab->range_first, &lab->range_last)) {
		lab->range_first = str_copy("");
		lab->range_last = str_copy("");
	}
	name_complete(file);
	rows_parse(file);
	lab_check(file);
	if (diagnostics_count(file->diagnostics) == 0)
		macs_settle(lab);
}

/* The lab is another's by now, or freed apart. */
static void file_done(struct lab_file *file)
{
	for (size_t i = 0; i < file->row_count; i++) {
		struct machine_row *row = &file->rows[i];

		free(row->name);
		free(row->mac);
		free(row->uuid);
		free(row->stack);
		free(row->disk_size);
		free(row->disk_serial);
		free(row->disk_by_id);
		strv_done(&row->wrong);
	}
	free(file->rows);
	free(file->range);
	strv_done(&file->wrong);
	node_free(file->root);
	diagnostics_free(file->diagnostics);
}

static void lab_done(struct lab *lab)
{
	for (size_t i = 0; i < lab->machine_count; i++) {
		struct lab_machine *machine = &lab->machines[i];

		free(machine->name);
		free(machine->mac);
		free(machine->uuid);
		free(machine->disk.text);
		stack_free(machine->stack);
	}
	free(lab->machines);
	free(lab->name);
	free(lab->path);
	free(lab->interface);
	free(lab->address);
	free(lab->range_first);
	free(lab->range_last);
	free(lab->gateway);
	free(lab->status_address);
	strv_done(&lab->dns);
	strv_done(&lab->mirrors);
	strv_done(&lab->sources);
}

int lab_load(const char *path, struct lab **ret_lab, struct err *err)
{
	CLEANUP(lab_cleanup) struct lab *lab = mem_alloc(sizeof *lab);
	CLEANUP(file_done) struct lab_file file = { 0 };

	if (!path_exists(path))
		return err_set(err, -EINVAL, "%s: there is no such lab file", path);
	file.diagnostics = diagnostics_new();
	file.lab.path = str_copy(path);
	strv_add(&file.lab.sources, path);
	file.root = yaml_read(path, file.lab.path, file.diagnostics);
	if (file.root)
		file_parse(&file);
	*lab = file.lab;
	int r = diagnostics_result(file.diagnostics, path, err);
	if (r == 0)
		*ret_lab = take(&lab);
	return r;
}

bool lab_is(const char *path)
{
	CLEANUP(diagnostics_cleanup) struct diagnostics *diagnostics = diagnostics_new();
	CLEANUP(node_cleanup) struct node *root = NULL;

	if (file_check_regular(path) == 0)
		root = yaml_read(path, path, diagnostics);
	return root && node_at(root, "machines");
}

void lab_free(struct lab *lab)
{
	if (!lab)
		return;
	lab_done(lab);
	free(lab);
}

void lab_cleanup(struct lab **lab)
{
	lab_free(*lab);
}

bool lab_has_netboot(const struct lab *lab)
{
	for (size_t i = 0; i < lab->machine_count; i++)
		if (lab->machines[i].way == LAB_IMAGE || lab->machines[i].boot == LAB_BOOT_RESCUE)
			return true;
	return false;
}
