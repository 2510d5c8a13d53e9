/* Drives image/ for tests/image/run and tests/bench/tree: what the program does between a spec
 * and a finished image, one operation a call.
 *
 *   maker make IMAGE SIZE mbr|gpt ext3|ext4 [ARCHIVE...]   swap 64 MiB + root, filled and checked
 *   maker bare IMAGE SIZE ext3|ext4 [ARCHIVE...]           one file system, no table
 *   maker nest IMAGE SIZE[,SIZE...] mbr|gpt ext3|ext4 [ARCHIVE...]   each size inside the one
 * before, written straight into its place, /inner.raw maker edit IMAGE OPERATION... on the root of
 * a `make` image: put PATH LOCAL | file PATH LOCAL | link PATH TARGET | dir PATH | mode PATH OCTAL
 * | remove PATH | unpack ARCHIVE | many PATH COUNT | get PATH LOCAL */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/str.h"
#include "image/check.h"
#include "image/fsys.h"
#include "image/nested.h"
#include "image/swap.h"
#include "image/table.h"

#define TIME_SECONDS 1700000000
#define SWAP_BYTES   (UINT64_C(64) << 20)

static struct fsys_options options_for(const char *kind)
{
	struct fsys_options options = {
		.kind = strcmp(kind, "ext3") == 0 ? FILESYSTEM_EXT3 : FILESYSTEM_EXT4,
		.label = "root",
		.time_seconds = TIME_SECONDS,
	};

	hash_uuid("maker", options.uuid);
	return options;
}

static int image_make(const char *path, const char *size, struct image **ret_image, struct err *err)
{
	uint64_t bytes;
	int fd, r = size_parse(size, &bytes);

	if (r < 0)
		return err_set(err, r, "%s: no size", size);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	return image_create(fd, path, bytes, ret_image, err);
}

static int root_make(struct image *image, const struct extent *where, const char *sizes,
		     char **argv, struct err *err);

/* Table, swap, root with the archives and, for further sizes, another image inside: the same code
 * for every level. */
static int image_fill(struct image *image, const char *sizes, char **argv, struct err *err)
{
	struct partition_spec partitions[] = {
		{ .size_bytes = SWAP_BYTES,
		  .filesystem = FILESYSTEM_SWAP,
		  .label = "swap",
		  .mount_point = "" },
		{ .size_bytes = PARTITION_REST,
		  .filesystem = options_for(argv[1]).kind,
		  .label = "root",
		  .mount_point = "/" },
	};
	struct disk_spec spec = {
		.size_bytes = image_size_bytes(image),
		.table = strcmp(argv[0], "gpt") == 0 ? TABLE_GPT : TABLE_MBR,
		.partitions = partitions,
		.partition_count = 2,
	};
	struct layout layout;
	uint8_t uuid[16];
	int r = layout_plan(&spec, &layout, err);

	hash_uuid("maker swap", uuid);
	if (r == 0)
		r = table_write(image, &layout, &spec, "maker", err);
	if (r == 0)
		r = swap_format(image, &layout.partitions[0], "swap", uuid, err);
	if (r == 0)
		r = root_make(image, &layout.partitions[1], sizes, argv, err);
	return r < 0 ? r : image_check(image, &layout, &spec, err);
}

static int inner_make(struct fsys *outer, const char *sizes, char **argv, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	size_t length = strcspn(sizes, ",");
	CLEANUP(free_cleanup) char *size = str_format("%.*s", (int)length, sizes);
	uint64_t bytes;
	int r = size_parse(size, &bytes);

	if (r < 0)
		return err_set(err, r, "%s: no size", size);
	r = nested_create(outer, "/inner.raw", bytes, NULL, &image, err);
	if (r == 0)
		r = image_fill(image, sizes[length] ? sizes + length + 1 : NULL, argv, err);
	return r < 0 ? r : image_finish(take(&image), err);
}

static int root_make(struct image *image, const struct extent *where, const char *sizes,
		     char **argv, struct err *err)
{
	CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;
	struct fsys_options options = options_for(argv[1]);
	int r = fsys_format(image, where, &options, &fsys, err);

	for (char **archive = argv + 2; r == 0 && *archive; archive++)
		r = fsys_unpack(fsys, *archive, err);
	if (r == 0 && sizes)
		r = inner_make(fsys, sizes, argv, err);
	return r < 0 ? r : fsys_close(take(&fsys), err);
}

static int run_make(char **argv, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	size_t length = strcspn(argv[1], ",");
	CLEANUP(free_cleanup) char *size = str_format("%.*s", (int)length, argv[1]);
	int r = image_make(argv[0], size, &image, err);

	return r < 0 ? r
		     : image_fill(image, argv[1][length] ? argv[1] + length + 1 : NULL, argv + 2,
				  err);
}

static int run_bare(char **argv, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	int r = image_make(argv[0], argv[1], &image, err);

	if (r < 0)
		return r;
	struct extent all = { 0, image_size_bytes(image) };
	return root_make(image, &all, NULL, argv + 1, err); /* the place of the table: not read */
}

static int put_file(struct fsys *fsys, const char *path, const char *local, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(local, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "%s", local);
	return fsys_put_file(fsys, path, fd, NULL, err);
}

static int get_file(struct fsys *fsys, const char *path, const char *local, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(local, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_errno(err, errno, "%s", local);
	return fsys_read_to(fsys, path, fd, err);
}

static int put_data(struct fsys *fsys, const char *path, const char *local, struct err *err)
{
	CLEANUP(free_cleanup) char *data = NULL;
	size_t length;
	int r = file_read(local, SIZE_MAX / 2, &data, &length, err);

	return r < 0 ? r : fsys_put(fsys, path, data, length, NULL, err);
}

static int put_many(struct fsys *fsys, const char *folder, const char *count, struct err *err)
{
	for (int i = 0, r; i < atoi(count); i++) {
		CLEANUP(free_cleanup) char *path = str_format("%s/file-number-%d", folder, i);

		r = fsys_put(fsys, path, path, strlen(path), NULL, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int edit_one(struct fsys *fsys, char ***next, struct err *err)
{
	const char *verb = *(*next)++, *path = *(*next)++;

	if (!path)
		return err_set(err, -EINVAL, "%s: takes a path", verb);
	if (strcmp(verb, "dir") == 0)
		return fsys_make_dir(fsys, path, NULL, err);
	if (strcmp(verb, "remove") == 0)
		return fsys_remove(fsys, path, err);
	if (strcmp(verb, "unpack") == 0)
		return fsys_unpack(fsys, path, err);
	const char *value = *(*next)++;
	if (!value)
		return err_set(err, -EINVAL, "%s: takes two values", verb);
	if (strcmp(verb, "put") == 0)
		return put_data(fsys, path, value, err);
	if (strcmp(verb, "file") == 0)
		return put_file(fsys, path, value, err);
	if (strcmp(verb, "get") == 0)
		return get_file(fsys, path, value, err);
	if (strcmp(verb, "link") == 0)
		return fsys_put_symlink(fsys, path, value, err);
	if (strcmp(verb, "mode") == 0)
		return fsys_set_mode(fsys, path, (uint32_t)strtoul(value, NULL, 8), err);
	if (strcmp(verb, "many") == 0)
		return put_many(fsys, path, value, err);
	return err_set(err, -EINVAL, "%s: no such operation", verb);
}

static int run_edit(char **argv, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;
	CLEANUP(free_cleanup) struct table *table = mem_alloc(sizeof *table);
	char **next = argv + 1;
	int r = image_open(argv[0], true, &image, err);

	if (r == 0)
		r = table_read(image, table, err);
	if (r < 0)
		return r;
	struct extent where = { 0, image_size_bytes(image) };
	if (table->present && table->count > 0)
		where = table->entries[table->count - 1].where;
	r = fsys_open(image, &where, true, &fsys, err);
	while (r == 0 && *next)
		r = edit_one(fsys, &next, err);
	return r < 0 ? r : fsys_close(take(&fsys), err);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int r;

	if (argc >= 6 && (strcmp(argv[1], "make") == 0 || strcmp(argv[1], "nest") == 0))
		r = run_make(argv + 2, &err);
	else if (argc >= 5 && strcmp(argv[1], "bare") == 0)
		r = run_bare(argv + 2, &err);
	else if (argc >= 4 && strcmp(argv[1], "edit") == 0)
		r = run_edit(argv + 2, &err);
	else
		r = err_set(&err, -EINVAL, "maker make|nest|bare|edit ...: see the top of maker.c");
	if (r < 0)
		fprintf(stderr, "maker: %s\n", err.text);
	int status = r < 0 ? err_exit_status(&err) : 0;
	err_clear(&err);
	return status;
}
