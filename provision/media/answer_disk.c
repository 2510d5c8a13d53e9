/* A whole disk that is one FAT file system: installers look for the label on disks and partitions
 * alike. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "image/fat.h"
#include "media/medium.h"

#define SMALLEST_BYTES (UINT64_C(4) << 20)
#define SPARE_BYTES    (UINT64_C(1) << 20) /* FATs, folders, half-used clusters */
#define STEP_BYTES     (UINT64_C(1) << 20)
#define MADE_AT	       INT64_C(1704067200) /* seconds: the same files make the same disk */

static uint64_t size_for(const struct medium_file *files, size_t count)
{
	uint64_t bytes = SPARE_BYTES;

	for (size_t i = 0; i < count; i++)
		bytes += files[i].length;
	if (bytes < SMALLEST_BYTES)
		bytes = SMALLEST_BYTES;
	return (bytes + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
}

static uint32_t volume_id(const char *label)
{
	uint8_t digest[HASH_BYTES];
	struct hash *hash = hash_new();

	hash_field(hash, "answer disk", label);
	hash_finish(hash, digest);
	return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
	       digest[3];
}

static void fat_cleanup(struct fat **fat)
{
	fat_free(*fat);
}

static int fat_fill(const struct fat_options *options, const struct medium_file *files,
		    size_t count, struct fat **ret_fat, struct err *err)
{
	int r = fat_format(options, ret_fat, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		CLEANUP(free_cleanup) char *inside = str_format("/%s", files[i].name);

		r = fat_put(*ret_fat, inside, files[i].data, files[i].length, err);
	}
	return r;
}

int answer_disk_make(const char *path, const char *label, const struct medium_file *files,
		     size_t count, struct err *err)
{
	CLEANUP(fat_cleanup) struct fat *fat = NULL;
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(temp_done) struct temp temp = TEMP_INIT;
	const struct fat_options options = {
		.size_bytes = size_for(files, count),
		.label = label,
		.volume_id = volume_id(label),
		.time_seconds = MADE_AT,
	};
	const struct extent whole = { 0, options.size_bytes };

	if (!*label || !fat_label_valid(label))
		return err_set(err, -EINVAL,
			       "\"%s\": is no label of a FAT file system: 1 to %d of A-Z, 0-9, - "
			       "and _",
			       label, FAT_LABEL_MAX);
	int r = fat_fill(&options, files, count, &fat, err);
	if (r == 0)
		r = temp_open(&temp, path, 0600, err);
	if (r == 0)
		r = image_create(fcntl(temp.fd, F_DUPFD_CLOEXEC, 0), path, options.size_bytes,
				 &image, err);
	if (r == 0)
		r = fat_store(fat, image, &whole, err);
	if (r == 0)
		r = image_finish(take(&image), err);
	return r < 0 ? r : temp_publish(&temp, err);
}
