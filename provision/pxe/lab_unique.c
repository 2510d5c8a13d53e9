/* What only one machine of a lab can have: its name, its addresses, those of its layers. They are
 * all in one network.
 */
#include <stdarg.h>
#include <string.h>

#include "profile/address.h"
#include "profile/valid.h"
#include "pxe/identity.h"
#include "pxe/lab_keys.h"

/* Who says that a value is his. */
struct claim {
	char *value;
	const struct machine_row *row;
	const struct layer *layer; /* NULL: the machine itself */
	const char *key;	   /* of the layer, else of the row */
	const char *machine;	   /* the layer's */
};

struct claims {
	struct claim *items;
	size_t count;
};

static void claim_add(struct claims *claims, char *value, const struct claim *claim)
{
	claims->items = mem_grow(claims->items, claims->count + 1, sizeof *claims->items);
	claims->items[claims->count] = *claim;
	claims->items[claims->count++].value = value;
}

static void claims_done(struct claims *claims)
{
	for (size_t i = 0; i < claims->count; i++)
		free(claims->items[i].value);
	free(claims->items);
}

static const struct mark *claim_mark(const struct claim *claim)
{
	const struct node *map = claim->layer ? claim->layer->map : claim->row->map;
	const struct node *node = node_at(map, claim->key);

	return node ? &node->mark : claim->layer ? &claim->layer->mark : &claim->row->map->mark;
}

__attribute__((format(printf, 3, 4))) static void claim_wrong(const struct lab_file *file,
							      const struct claim *claim,
							      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	CLEANUP(free_cleanup) char *text = str_vformat(format, args);
	va_end(args);
	if (claim->layer)
		diagnostic_add(file->diagnostics, claim_mark(claim), "%s: %s", claim->key, text);
	else
		lab_row_wrong(file, claim->row, claim->key, "%s", text);
}

/* "machines[1]", "l2 of r1"; the caller frees. */
static char *claimant(const struct lab_file *file, const struct claim *claim)
{
	return claim->layer ? str_format("%s of %s", claim->layer->name, claim->machine)
			    : str_format("machines[%zu]", (size_t)(claim->row - file->rows) + 1);
}

static bool one_place(const struct claim *a, const struct claim *b)
{
	const struct mark *one = claim_mark(a), *other = claim_mark(b);

	return str_equal(one->file, other->file) && one->line == other->line &&
	       one->column == other->column;
}

/* In the order of the file where values are equal. */
static int by_value(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;
	int difference = strcasecmp(a->value, b->value);

	if (difference != 0)
		return difference;
	if (a->row != b->row)
		return a->row < b->row ? -1 : 1;
	return a->machine && b->machine ? strverscmp(a->machine, b->machine) : 0;
}

/* Each place is told once, though a hundred machines came of it. */
static void claims_check(const struct lab_file *file, const struct claims *claims)
{
	if (claims->count > 1)
		qsort(claims->items, claims->count, sizeof *claims->items, by_value);
	for (size_t i = 0, first = 0; i < claims->count; i++) {
		const struct claim *claim = &claims->items[i];

		if (strcasecmp(claim->value, claims->items[first].value) != 0)
			first = i;
		if (i == first || (i > first + 1 && one_place(claim, claim - 1)))
			continue;
		CLEANUP(free_cleanup) char *other = claimant(file, &claims->items[first]);
		CLEANUP(free_cleanup) char *self = claimant(file, claim);
		claim_wrong(file, claim,
			    "found \"%s\"%s%s, which %s has too; allowed is one that no other "
			    "has",
			    claim->value, claim->layer ? " for " : "", claim->layer ? self : "",
			    other);
	}
}

/* ---- of the machines ---- */

static void check_names(const struct lab_file *file)
{
	CLEANUP(claims_done) struct claims claims = { 0 };

	for (size_t i = 0; i < file->row_count; i++) {
		const struct machine_row *row = &file->rows[i];
		const struct claim claim = { .row = row, .key = "name" };

		if (strv_has(&row->wrong, "name"))
			continue;
		if (!row->any)
			claim_add(&claims, str_copy(row->name), &claim);
		for (unsigned j = 1; j <= row->any; j++)
			claim_add(&claims, str_format("%s-%u", row->name, j), &claim);
	}
	claims_check(file, &claims);
}

/* The row before i with the same UUID, in either byte order; i if there is none. */
static size_t uuid_first(const struct lab_file *file, size_t i)
{
	size_t first = 0;

	while (first < i && !identity_uuid_equal(file->rows[first].uuid, file->rows[i].uuid))
		first++;
	return first;
}

/* An UUID that is wrong equals none. */
static void check_uuids(const struct lab_file *file)
{
	for (size_t i = 0; i < file->row_count; i++) {
		const struct machine_row *row = &file->rows[i];
		size_t first = uuid_first(file, i);

		if (first == i || strv_has(&row->wrong, "uuid"))
			continue;
		lab_row_wrong(file, row, "uuid",
			      "found \"%s\", which machines[%zu] has too%s; allowed is one that no "
			      "other has",
			      row->uuid, first + 1,
			      str_equal(row->uuid, file->rows[first].uuid)
				      ? ""
				      : " (in the other byte order)");
	}
}

/* ---- of the layers ---- */

/* Of every layer whose stack is sound. */
static void layers_each(const struct lab_file *file,
			void (*each)(const struct claim *claim, struct claims *claims),
			struct claims *claims)
{
	for (size_t i = 0; i < file->row_count; i++) {
		const struct machine_row *row = &file->rows[i];

		for (size_t j = 0; row->sound && j < row->count; j++) {
			const struct lab_machine *machine = &file->lab.machines[row->first + j];

			for (size_t k = 0; k < machine->stack->layer_count; k++)
				each(&(struct claim){ .row = row,
						      .machine = machine->name,
						      .layer = machine->stack->layers[k] },
				     claims);
		}
	}
}

/* The outermost layer's is the machine's own where that is known. */
static void mac_claim(const struct claim *claim, struct claims *claims)
{
	const struct layer *layer = claim->layer;
	struct claim own = *claim;

	own.key = "machine.mac";
	if (layer_has_own_mac(layer) && (layer->outer || !*claim->row->mac))
		claim_add(claims, str_copy(layer->machine.mac), &own);
}

static void check_macs(const struct lab_file *file)
{
	CLEANUP(claims_done) struct claims claims = { 0 };

	for (size_t i = 0; i < file->row_count; i++)
		if (*file->rows[i].mac && !strv_has(&file->rows[i].wrong, "mac"))
			claim_add(&claims, str_copy(file->rows[i].mac),
				  &(struct claim){ .row = &file->rows[i], .key = "mac" });
	layers_each(file, mac_claim, &claims);
	claims_check(file, &claims);
}

static void address_claim(const struct claim *claim, struct claims *claims)
{
	const struct network_spec *network = &claim->layer->network;
	struct claim own = *claim;

	own.key = "network.address";
	if (network->mode == ADDRESS_STATIC)
		claim_add(claims, address_ip(network), &own);
}

static void address_check(const struct lab_file *file, const struct claim *claim)
{
	const struct lab *lab = &file->lab;
	uint32_t first, last, address;
	CLEANUP(free_cleanup) char *self = claimant(file, claim);

	if (!ip_parse(claim->value, &address))
		return;
	if (str_equal(claim->value, lab->address))
		claim_wrong(file, claim,
			    "found \"%s\" for %s, the server's own; allowed is another one",
			    claim->value, self);
	if (ip_parse(lab->range_first, &first) && ip_parse(lab->range_last, &last) &&
	    first <= address && address <= last)
		claim_wrong(file, claim,
			    "found \"%s\" for %s, which the lab's range gives to others; allowed "
			    "is one outside of %s",
			    claim->value, self, file->range);
}

static void check_addresses(const struct lab_file *file)
{
	CLEANUP(claims_done) struct claims claims = { 0 };

	layers_each(file, address_claim, &claims);
	claims_check(file, &claims);
	for (size_t i = 0; i < claims.count; i++)
		address_check(file, &claims.items[i]);
}

void lab_check_unique(const struct lab_file *file)
{
	check_names(file);
	check_uuids(file);
	check_macs(file);
	check_addresses(file);
}
