/* What must hold between the keys of a lab file. */
#include <stdarg.h>
#include <string.h>

#include "compose/installed.h"
#include "pattern/pattern.h"
#include "profile/valid.h"
#include "pxe/lab_keys.h"

#define RANGE_MAX 65536 /* addresses */

/* Adds "KEY: ..." at the key's place, else at that of the file. */
__attribute__((format(printf, 3, 4))) static void lab_wrong(const struct lab_file *file,
							    const char *key, const char *format,
							    ...)
{
	const struct node *node = node_at(file->root, key);
	va_list args;

	va_start(args, format);
	CLEANUP(free_cleanup) char *text = str_vformat(format, args);
	va_end(args);
	diagnostic_add(file->diagnostics, node ? &node->mark : &file->root->mark, "%s: %s", key,
		       text);
}

void lab_row_wrong(const struct lab_file *file, const struct machine_row *row, const char *key,
		   const char *format, ...)
{
	const struct node *node = node_at(row->map, key);
	va_list args;

	va_start(args, format);
	CLEANUP(free_cleanup) char *text = str_vformat(format, args);
	va_end(args);
	diagnostic_add(file->diagnostics, node ? &node->mark : &row->map->mark,
		       "machines[%zu].%s: %s", (size_t)(row - file->rows) + 1, key, text);
}

bool layer_has_own_mac(const struct layer *layer)
{
	const struct node *node = node_at(layer->map, "machine.mac");

	return node && node->kind == NODE_SCALAR && *node->text;
}

/* ---- the network ---- */

static void check_ports(const struct lab_file *file)
{
	const struct lab_ports *ports = &file->lab.ports;
	const struct {
		const char *key;
		unsigned port;
	} all[] = { { "ports.boot", ports->boot },
		    { "ports.secure", ports->secure },
		    { "ports.answers", ports->answers },
		    { "ports.agents", ports->agents },
		    { "ports.status", ports->status } };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		for (size_t j = 0; j < i; j++) {
			bool later = node_at(file->root, all[i].key);

			if (all[i].port == all[j].port)
				lab_wrong(file, all[later ? i : j].key,
					  "found \"%u\", which %s has too; allowed is one that no "
					  "other port has",
					  all[i].port, all[later ? j : i].key);
		}
}

/* Who gives no addresses has no use for the rest. */
static void check_dhcp(const struct lab_file *file)
{
	static const char *const of_full[] = { "network.range", "network.lease", "network.gateway",
					       "network.dns" };

	if (file->lab.dhcp == LAB_DHCP_FULL) {
		if (!*file->range)
			lab_wrong(file, "network.range",
				  "found nothing; allowed with dhcp: full are the first and the "
				  "last address that are given, FIRST-LAST");
		return;
	}
	for (size_t i = 0; i < sizeof of_full / sizeof *of_full; i++)
		if (node_at(file->root, of_full[i]))
			lab_wrong(file, of_full[i],
				  "found with dhcp: %s, where another server gives the addresses; "
				  "allowed is none, or dhcp: full",
				  lab_dhcp_names[file->lab.dhcp]);
}

static void check_range(const struct lab_file *file)
{
	const char *const ours[] = { file->lab.address, file->lab.gateway };
	uint32_t first, last, address;

	if (!ip_parse(file->lab.range_first, &first) || !ip_parse(file->lab.range_last, &last))
		return;
	if (first > last || last - first >= RANGE_MAX) {
		lab_wrong(
			file, "network.range",
			"found \"%s\"; allowed are at most %d addresses, the first one before the "
			"last",
			file->range, RANGE_MAX);
		return;
	}
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (ip_parse(ours[i], &address) && first <= address && address <= last)
			lab_wrong(
				file, "network.range",
				"found \"%s\", which has %s in it, the address of the %s; allowed "
				"is a range without it",
				file->range, ours[i], i == 0 ? "server" : "gateway");
}

/* ---- a machine ---- */

static size_t given(const struct machine_row *row, const char *const *keys, struct strv *names)
{
	for (; *keys; keys++) {
		const struct node *node = node_at(row->map, *keys);

		if (node && node->kind == NODE_SCALAR && *node->text &&
		    !(str_equal(*keys, "any") && row->any == 0))
			strv_add(names, *keys);
	}
	return names->count;
}

static void check_known_by(const struct lab_file *file, const struct machine_row *row)
{
	static const char *const keys[] = { "mac", "uuid", "any", NULL };
	CLEANUP(strv_done) struct strv names = { 0 };
	size_t count = given(row, keys, &names);
	CLEANUP(free_cleanup) char *found = strv_join(&names, " and ");

	if (count != 1)
		lab_row_wrong(file, row, count > 1 ? names.items[1] : "mac",
			      "found %s; allowed is one of mac, uuid and any",
			      count > 1 ? found : "nothing");
}

/* A machine's files go into the lab's folder, where ours are too. */
static void check_name(const struct lab_file *file, const struct machine_row *row)
{
	if (!row->any && str_equal(row->name, LAB_OWN_FOLDER))
		lab_row_wrong(file, row, "name",
			      "found \"%s\", the name of a folder of nestctl's own; allowed is "
			      "another one",
			      row->name);
}

static void check_any_name(const struct lab_file *file, const struct machine_row *row)
{
	CLEANUP(free_cleanup) char *last = str_format("%s-%u", row->name, row->any);

	if (row->any > 0 && !valid_host_name(last))
		lab_row_wrong(file, row, "name",
			      "found \"%s\"; allowed is a shorter one: its machines are called "
			      "%s-1 to %s",
			      row->name, row->name, last);
}

static void check_disk_pick(const struct lab_file *file, const struct machine_row *row)
{
	static const char *const keys[] = { "disk.size", "disk.serial", "disk.by_id", NULL };
	CLEANUP(strv_done) struct strv names = { 0 };
	size_t count = given(row, keys, &names);
	CLEANUP(free_cleanup) char *found = strv_join(&names, " and ");

	if (count > 1)
		lab_row_wrong(file, row, names.items[1],
			      "found %s; allowed is one of them, or none for the only disk", found);
}

static const struct layer *outermost(const struct lab_file *file, const struct machine_row *row)
{
	return row->sound && row->count ? file->lab.machines[row->first].stack->layers[0] : NULL;
}

static void check_disk_size(const struct lab_file *file, const struct machine_row *row)
{
	const struct layer *layer = outermost(file, row);
	uint64_t min, max;

	if (!layer || row->way != LAB_IMAGE || !disk_sizes_parse(row->disk_size, &min, &max) ||
	    max >= layer->disk.size_bytes)
		return;
	CLEANUP(free_cleanup) char *needed = size_format(layer->disk.size_bytes);
	lab_row_wrong(file, row, "disk.size",
		      "found \"%s\"; allowed is %s at least, the disk of %s in %s", row->disk_size,
		      needed, layer->name, row->stack);
}

/* It is an initramfs: there is neither a file system in which it could be told whom to report to,
 * nor a driver but for virtual machines. */
static bool is_leaf(const struct layer *layer)
{
	return layer->pattern->initramfs == INITRAMFS_AGENT;
}

static void check_leaf(const struct lab_file *file, const struct machine_row *row)
{
	const struct layer *layer = outermost(file, row);

	if (layer && is_leaf(layer))
		lab_row_wrong(
			file, row, "stack",
			"found \"%s\", whose outermost layer %s has pattern %s, which is for "
			"guests inside of hosts; allowed is a stack whose outermost layer has "
			"another pattern",
			row->stack, layer->name, layer->pattern->name);
}

static void check_image(const struct lab_file *file, const struct machine_row *row)
{
	const struct layer *layer = outermost(file, row);

	if (layer && row->way == LAB_IMAGE && !installed_is_open(layer))
		lab_row_wrong(
			file, row, "way",
			"found \"image\" for a layer of family %s, whose disk cannot be fitted "
			"to another machine; allowed is answers",
			os_family_name(layer->os_family));
}

static void check_answers(const struct lab_file *file, const struct machine_row *row)
{
	const struct layer *layer = outermost(file, row);

	if (!layer || row->way != LAB_ANSWERS || is_leaf(layer))
		return;
	if (!layer_is_installed(layer))
		lab_row_wrong(file, row, "way",
			      "found \"answers\" for %s, whose outermost layer has no "
			      "install.medium; allowed is image",
			      row->stack);
	else if (layer->inner_count > 0)
		lab_row_wrong(file, row, "way",
			      "found \"answers\" for %s, which has layers inside of %s: its "
			      "vendor's installer does not bring them; allowed is image",
			      row->stack, layer->name);
	else if (layer->os_family == OS_SUSE && !*row->mac)
		lab_row_wrong(
			file, row, "mac",
			"found nothing; allowed with way answers and AutoYaST, which names the "
			"card by it, is the machine's MAC address");
}

/* Every vendor's installer takes the first disk, whatever is on it. */
static void check_answers_disk(const struct lab_file *file, const struct machine_row *row)
{
	static const char *const keys[] = { "disk.size", "disk.serial", "disk.by_id", NULL };
	CLEANUP(strv_done) struct strv names = { 0 };

	if (row->way != LAB_ANSWERS)
		return;
	if (given(row, keys, &names) > 0)
		lab_row_wrong(
			file, row, names.items[0],
			"found with way: answers, where the vendor's installer takes the first "
			"disk; allowed is none, for a machine with one disk");
	if (!row->wipe)
		lab_row_wrong(
			file, row, "disk.wipe",
			"found %s with way: answers, where the vendor's installer does not look "
			"what is on the disk; allowed is true",
			node_at(row->map, "disk.wipe") ? "\"false\"" : "nothing");
}

/* They have copies of images: answers and media come from the lab's server alone. */
static void check_mirrors(const struct lab_file *file)
{
	bool image = false;

	for (size_t i = 0; i < file->row_count; i++)
		image |= file->rows[i].way == LAB_IMAGE;
	if (file->lab.mirrors.count > 0 && !image)
		lab_wrong(
			file, "mirrors",
			"found in a lab without a machine that gets an image; allowed is none, or "
			"a machine with way: image");
}

/* ---- all of it ---- */

static bool known(const struct strv *wrong, const char *const *keys)
{
	for (; *keys; keys++)
		if (strv_has(wrong, *keys))
			return false;
	return true;
}

static const struct {
	void (*run)(const struct lab_file *file);
	const char *keys[8];
} lab_checks[] = {
	{ check_ports,
	  { "ports.boot", "ports.secure", "ports.answers", "ports.agents", "ports.status" } },
	{ check_dhcp, { "network.dhcp", "network.range" } },
	{ check_range, { "network.range", "network.address", "network.gateway" } },
	{ check_mirrors, { "mirrors", "machines" } },
};

static const struct {
	void (*run)(const struct lab_file *file, const struct machine_row *row);
	const char *keys[8];
} machine_checks[] = {
	{ check_known_by, { "mac", "uuid", "any" } },
	{ check_name, { "name", "any" } },
	{ check_any_name, { "name", "any" } },
	{ check_disk_pick, { "disk.size", "disk.serial", "disk.by_id" } },
	{ check_disk_size, { "disk.size", "way" } },
	{ check_leaf, { "stack" } },
	{ check_image, { "way" } },
	{ check_answers, { "way", "mac" } },
	{ check_answers_disk, { "way", "disk.size", "disk.serial", "disk.by_id", "disk.wipe" } },
};

void lab_check(const struct lab_file *file)
{
	for (size_t i = 0; i < sizeof lab_checks / sizeof *lab_checks; i++)
		if (known(&file->wrong, lab_checks[i].keys))
			lab_checks[i].run(file);
	for (size_t i = 0; i < file->row_count; i++)
		for (size_t j = 0; j < sizeof machine_checks / sizeof *machine_checks; j++)
			if (known(&file->rows[i].wrong, machine_checks[j].keys))
				machine_checks[j].run(file, &file->rows[i]);
	lab_check_unique(file);
}
