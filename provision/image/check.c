/* The last look at a new image, through another library than those that made it. */
#include "image/check.h"

#include <errno.h>
#include <inttypes.h>

#include "base/str.h"
#include "image/probe.h"
#include "image/table.h"

static int partition_check(struct image *image, unsigned number, const struct extent *where,
			   const struct partition_spec *wanted, struct err *err)
{
	const char *type = filesystem_kind_name(wanted->filesystem);
	struct probe found;
	int r = probe_extent(image, where, &found, err);

	if (r < 0)
		return r;
	if (!str_equal(found.type, type))
		return err_set(err, -EBADMSG, "%s: partition %u holds %s where %s was made",
			       image_path(image), number, found.type[0] ? found.type : "nothing",
			       type);
	if (wanted->label && wanted->label[0] && !str_starts(wanted->label, found.label))
		return err_set(err, -EBADMSG, "%s: partition %u has the label \"%s\", not \"%s\"",
			       image_path(image), number, found.label, wanted->label);
	return 0;
}

int image_check(struct image *image, const struct layout *layout, const struct disk_spec *spec,
		struct err *err)
{
	size_t own = layout->table == TABLE_GPT ? 1 : 0; /* the BIOS boot partition */
	CLEANUP(free_cleanup) struct table *table = mem_alloc(sizeof *table);
	int r = table_read(image, table, err);

	if (r < 0)
		return r;
	if (!table->present || table->kind != layout->table ||
	    table->count != layout->partition_count + own)
		return err_set(err, -EBADMSG,
			       "%s: has %zu partitions in its table where %zu were made",
			       image_path(image), table->count, layout->partition_count + own);
	for (size_t i = 0; i < layout->partition_count; i++) {
		const struct table_entry *entry = &table->entries[i + own];
		const struct extent *where = &layout->partitions[i];

		if (entry->where.start_bytes != where->start_bytes ||
		    entry->where.size_bytes != where->size_bytes)
			return err_set(err, -EBADMSG,
				       "%s: partition %u lies at byte %" PRIu64
				       ", it was made at %" PRIu64,
				       image_path(image), entry->number, entry->where.start_bytes,
				       where->start_bytes);
		r = partition_check(image, entry->number, where, &spec->partitions[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}
