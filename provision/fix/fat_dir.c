/* Names in FAT folders: short ones (8.3) and the long ones in the slots before them. */
#include "fix/fat_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SLOT_END	0x00
#define SLOT_DELETED	0xe5
#define SLOT_IS_E5	0x05 /* a name that begins with 0xe5 */
#define ATTRIBUTE_LABEL 0x08
#define ATTRIBUTE_LONG	0x0f
#define LONG_LAST	0x40
#define LONG_UNITS	13
#define LONG_SLOTS	20
#define SHORT_BYTES	11
#define LOWER_BASE	0x08
#define LOWER_EXTENSION 0x10
#define ALIASES		1000000u

static const uint8_t unit_places[LONG_UNITS] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };

struct long_name {
	uint16_t units[LONG_SLOTS * LONG_UNITS + 1];
	unsigned slots, missing; /* missing: slots that are still to come */
	uint8_t sum;
	size_t first;
};

static uint8_t short_sum(const uint8_t *name)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < SHORT_BYTES; i++)
		sum = (uint8_t)((sum >> 1 | sum << 7) + name[i]);
	return sum;
}

static void utf8_add(struct buf *text, uint16_t unit)
{
	char bytes[3];

	if (unit < 0x80) {
		bytes[0] = (char)unit;
		buf_add(text, bytes, 1);
	} else if (unit < 0x800) {
		bytes[0] = (char)(0xc0 | unit >> 6);
		bytes[1] = (char)(0x80 | (unit & 63));
		buf_add(text, bytes, 2);
	} else {
		bytes[0] = (char)(0xe0 | unit >> 12);
		bytes[1] = (char)(0x80 | (unit >> 6 & 63));
		bytes[2] = (char)(0x80 | (unit & 63));
		buf_add(text, bytes, 3);
	}
}

static char *long_text(const struct long_name *name)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < name->slots * LONG_UNITS && name->units[i]; i++)
		utf8_add(&text, name->units[i]);
	buf_text(&text, "");
	return text.data ? text.data : str_copy("");
}

static char *short_text(const uint8_t *slot)
{
	char text[SHORT_BYTES + 2];
	size_t length = 0, base = 8, extension = SHORT_BYTES;

	while (base > 0 && slot[base - 1] == ' ')
		base--;
	while (extension > 8 && slot[extension - 1] == ' ')
		extension--;
	for (size_t i = 0; i < base; i++)
		text[length++] = (char)(slot[12] & LOWER_BASE ? tolower(slot[i]) : slot[i]);
	if (extension > 8)
		text[length++] = '.';
	for (size_t i = 8; i < extension; i++)
		text[length++] = (char)(slot[12] & LOWER_EXTENSION ? tolower(slot[i]) : slot[i]);
	text[length] = '\0';
	if (slot[0] == SLOT_IS_E5)
		text[0] = (char)0xe5;
	return str_copy(text);
}

/* A slot of a long name: they come last part first. */
static void long_slot(struct long_name *name, const uint8_t *slot, size_t index)
{
	unsigned order = slot[0] & ~LONG_LAST;

	if ((slot[0] & LONG_LAST) && order >= 1 && order <= LONG_SLOTS) {
		memset(name, 0, sizeof *name);
		name->slots = name->missing = order;
		name->sum = slot[13];
		name->first = index;
	} else if (order == 0 || order != name->missing || slot[13] != name->sum) {
		name->slots = name->missing = 0;
		return;
	}
	for (size_t i = 0; i < LONG_UNITS; i++)
		name->units[(order - 1) * LONG_UNITS + i] = fat_get16(slot + unit_places[i]);
	name->missing--;
}

bool fat_dir_next(const struct fat_dir *dir, size_t *at, struct fat_name *ret_name)
{
	struct long_name name = { 0 };

	for (; (*at + 1) * FAT_SLOT_BYTES <= dir->length; (*at)++) {
		const uint8_t *slot = dir->data + *at * FAT_SLOT_BYTES;

		if (slot[0] == SLOT_END)
			return false;
		if (slot[0] != SLOT_DELETED && (slot[11] & 0x3f) == ATTRIBUTE_LONG) {
			long_slot(&name, slot, *at);
			continue;
		}
		bool is_long = name.slots && !name.missing && name.sum == short_sum(slot);
		size_t first = is_long ? name.first : *at;
		if (slot[0] == SLOT_DELETED || slot[0] == '.' || (slot[11] & ATTRIBUTE_LABEL)) {
			name.slots = 0;
			continue;
		}
		*ret_name = (struct fat_name){
			.first = first,
			.last = (*at)++,
			.name = is_long ? long_text(&name) : short_text(slot),
			.attributes = slot[11],
			.cluster = (uint32_t)fat_get16(slot + 20) << 16 | fat_get16(slot + 26),
			.size_bytes = fat_get32(slot + 28),
		};
		return true;
	}
	return false;
}

void fat_name_done(struct fat_name *name)
{
	free(name->name);
	name->name = NULL;
}

bool fat_dir_find(const struct fat_dir *dir, const char *name, size_t length,
		  struct fat_name *ret_name)
{
	size_t at = 0;
	struct fat_name found;

	while (fat_dir_next(dir, &at, &found)) {
		if (strlen(found.name) == length && strncasecmp(found.name, name, length) == 0) {
			*ret_name = found;
			return true;
		}
		fat_name_done(&found);
	}
	return false;
}

/* --- new names -------------------------------------------------------------------------------- */

static bool short_is_taken(const struct fat_dir *dir, const uint8_t *wanted)
{
	for (size_t i = 0; (i + 1) * FAT_SLOT_BYTES <= dir->length; i++) {
		const uint8_t *slot = dir->data + i * FAT_SLOT_BYTES;

		if (slot[0] == SLOT_END)
			return false;
		if ((slot[11] & 0x3f) != ATTRIBUTE_LONG && memcmp(slot, wanted, SHORT_BYTES) == 0)
			return true;
	}
	return false;
}

static void short_letters(uint8_t *to, size_t room, const char *from, size_t length)
{
	for (size_t i = 0, used = 0; i < length && used < room; i++)
		if (isalnum((unsigned char)from[i]))
			to[used++] = (uint8_t)toupper((unsigned char)from[i]);
}

/* "XENCFG~1.NES" for xen.cfg.nestctl-orig: the first number that is free. */
static bool short_make(const struct fat_dir *dir, const char *name, uint8_t *ret_short)
{
	const char *dot = strrchr(name, '.');
	size_t base = dot && dot > name ? (size_t)(dot - name) : strlen(name);

	for (unsigned number = 1; number < ALIASES; number++) {
		char tail[9];
		size_t length = (size_t)snprintf(tail, sizeof tail, "~%u", number), used = 0;

		memset(ret_short, ' ', SHORT_BYTES);
		short_letters(ret_short, 8 - length, name, base);
		while (used < 8 - length && ret_short[used] != ' ')
			used++;
		memcpy(ret_short + used, tail, length);
		if (name[base])
			short_letters(ret_short + 8, 3, name + base + 1, strlen(name + base + 1));
		if (!short_is_taken(dir, ret_short))
			return true;
	}
	return false;
}

/* The first of `count` free slots in a row; the count of all if there are none. */
static size_t room_find(const struct fat_dir *dir, size_t count)
{
	size_t slots = dir->length / FAT_SLOT_BYTES, run = 0;
	bool end = false;

	for (size_t i = 0; i < slots; i++) {
		uint8_t mark = dir->data[i * FAT_SLOT_BYTES];

		end |= mark == SLOT_END;
		run = end || mark == SLOT_DELETED ? run + 1 : 0;
		if (run == count)
			return i + 1 - count;
	}
	return slots;
}

/* One past the new names there must be an end, if they were put over it. */
static void end_keep(struct fat_dir *dir, size_t first, size_t count)
{
	bool over_end = false;

	for (size_t i = first; i < first + count; i++)
		over_end |= dir->data[i * FAT_SLOT_BYTES] == SLOT_END;
	if (over_end && (first + count) * FAT_SLOT_BYTES < dir->length)
		dir->data[(first + count) * FAT_SLOT_BYTES] = SLOT_END;
}

int fat_dir_add(struct fat_dir *dir, const char *name, size_t *ret_slot)
{
	size_t length = strlen(name), parts = (length + LONG_UNITS - 1) / LONG_UNITS;
	uint8_t alias[SHORT_BYTES];

	if (length == 0 || parts > LONG_SLOTS || !short_make(dir, name, alias))
		return -ENOSPC;
	size_t first = room_find(dir, parts + 1);
	if (first == dir->length / FAT_SLOT_BYTES)
		return -ENOSPC;
	end_keep(dir, first, parts + 1);
	for (size_t part = parts; part > 0; part--) {
		uint8_t *slot = dir->data + (first + parts - part) * FAT_SLOT_BYTES;

		memset(slot, 0, FAT_SLOT_BYTES);
		slot[0] = (uint8_t)(part | (part == parts ? LONG_LAST : 0));
		slot[11] = ATTRIBUTE_LONG;
		slot[13] = short_sum(alias);
		for (size_t i = 0; i < LONG_UNITS; i++) {
			size_t at = (part - 1) * LONG_UNITS + i;

			fat_set16(slot + unit_places[i], at < length	? (uint8_t)name[at]
							 : at == length ? 0
									: 0xffff);
		}
	}
	*ret_slot = first + parts;
	memset(dir->data + *ret_slot * FAT_SLOT_BYTES, 0, FAT_SLOT_BYTES);
	memcpy(dir->data + *ret_slot * FAT_SLOT_BYTES, alias, SHORT_BYTES);
	return 0;
}
