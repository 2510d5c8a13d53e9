#include "cmd/image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/str.h"
#include "cmd/operation.h"
#include "image/inspect.h"

#define PARTITION_MAX 128

static const struct option_row options[] = {
	{ "partition", 'p', "N", "the partition (default: the first with an /etc)" },
	{ "mode", 'm', "MODE", "put: permission bits, octal (default: as before, 0644 if new)" },
	{ "json", 0, NULL, "inspect: one JSON object on standard output" },
	{ NULL, 0, NULL, NULL },
};

/* --- inspect -------------------------------------------------------------------------------- */

static json_t *text_json(const char *text)
{
	json_t *value = text && *text ? json_string(text) : NULL;

	return value ? value : json_null(); /* also for what is no UTF-8 */
}

static json_t *partition_json(const struct inspected_partition *partition)
{
	json_t *titles = json_array();

	for (size_t i = 0; i < partition->menu.count; i++)
		json_array_append_new(titles, text_json(partition->menu.items[i]));
	return json_pack(
		"{s:i, s:I, s:I, s:b, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "number",
		(int)partition->number, "start_bytes", (json_int_t)partition->where.start_bytes,
		"size_bytes", (json_int_t)partition->where.size_bytes, "active", partition->active,
		"type", text_json(partition->type), "holds", text_json(partition->holds), "uuid",
		text_json(partition->probe.uuid), "label", text_json(partition->probe.label),
		"free_bytes",
		partition->opened ? json_integer((json_int_t)partition->free_bytes) : json_null(),
		"root", partition->is_root, "os", text_json(partition->os_name), "menu_path",
		text_json(partition->menu_path), "menu", titles, "note",
		text_json(partition->note));
}

static int print_json(const char *path, const struct inspection *inspection, struct err *err)
{
	json_t *partitions = json_array();

	for (size_t i = 0; i < inspection->partition_count; i++)
		json_array_append_new(partitions, partition_json(&inspection->partitions[i]));
	json_t *all = json_pack("{s:o, s:I, s:I, s:s, s:s, s:o}", "path", text_json(path),
				"size_bytes", (json_int_t)inspection->size_bytes, "allocated_bytes",
				(json_int_t)inspection->allocated_bytes, "table", inspection->table,
				"boot_loader", inspection->boot_loader, "partitions", partitions);
	int failed = !all || json_dumpf(all, stdout, JSON_INDENT(2)) < 0;

	json_decref(all);
	putchar('\n');
	return failed ? err_set(err, -EIO, "%s: the JSON cannot be written", path) : 0;
}

/* For a table: one unit, one decimal. */
static char *size_short(uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof units / sizeof *units) {
		value /= 1024;
		unit++;
	}
	return str_format(value == (double)(uint64_t)value ? "%.0f %s" : "%.1f %s", value,
			  units[unit]);
}

/* What stands in an image is shown, never obeyed by the terminal. The caller frees. */
static char *shown(const char *text)
{
	char *copy = str_copy(text ? text : "");

	str_tame(copy);
	return copy;
}

static void print_partition(const struct inspected_partition *partition)
{
	CLEANUP(free_cleanup) char *start = size_short(partition->where.start_bytes);
	CLEANUP(free_cleanup) char *size = size_short(partition->where.size_bytes);
	CLEANUP(free_cleanup) char *label = shown(partition->probe.label);
	CLEANUP(free_cleanup) char *os_name = shown(partition->os_name);
	CLEANUP(free_cleanup) char *note = shown(partition->note);
	CLEANUP(free_cleanup)
	char *space = partition->opened ? size_short(partition->free_bytes) : str_copy("-");

	printf("%2u%c  %-10s %-10s %-10s %-20s %-16s %s\n", partition->number,
	       partition->active ? '*' : ' ', start, size, space, partition->holds,
	       *label ? label : "-", partition->probe.uuid[0] ? partition->probe.uuid : "-");
	if (partition->os_name)
		printf("     system: %s\n", os_name);
	if (partition->menu_path)
		printf("     menu: %s\n", partition->menu_path);
	for (size_t i = 0; i < partition->menu.count; i++) {
		CLEANUP(free_cleanup) char *title = shown(partition->menu.items[i]);

		printf("       %zu  %s\n", i, title);
	}
	if (partition->note)
		printf("     note: %s\n", note);
}

static void print_text(const char *path, const struct inspection *inspection)
{
	CLEANUP(free_cleanup) char *size = size_short(inspection->size_bytes);
	CLEANUP(free_cleanup) char *allocated = size_short(inspection->allocated_bytes);

	printf("%s: %s (%s on the disk), table %s, boot loader %s\n", path, size, allocated,
	       inspection->table, inspection->boot_loader);
	printf(" #   %-10s %-10s %-10s %-20s %-16s %s\n", "start", "size", "free", "holds", "label",
	       "uuid");
	for (size_t i = 0; i < inspection->partition_count; i++)
		print_partition(&inspection->partitions[i]);
}

static void inspection_cleanup(struct inspection *inspection)
{
	inspection_done(inspection);
}

static int run_inspect(const struct arguments *arguments, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(inspection_cleanup) struct inspection inspection = { 0 };
	const char *path = arguments->rest[1];
	int r = image_open(path, false, &image, err);

	if (r == 0)
		r = image_inspect(image, &inspection, err);
	if (r < 0)
		return r;
	if (argument_given(arguments, "json"))
		return print_json(path, &inspection, err);
	print_text(path, &inspection);
	return 0;
}

/* --- paths inside --------------------------------------------------------------------------- */

static int open_fsys(const struct arguments *arguments, bool writable, struct image **ret_image,
		     struct fsys **ret_fsys, struct err *err)
{
	unsigned number = 0;
	int r = argument_number(arguments, "partition", 1, PARTITION_MAX, &number, err);

	if (r == 0)
		r = image_open(arguments->rest[1], writable, ret_image, err);
	if (r == 0)
		r = image_open_root(*ret_image, number, writable, ret_fsys, err);
	return r;
}

static void mode_text(uint32_t mode, char ret_text[11])
{
	static const char letters[] = "rwxrwxrwx";
	static const char types[] = "?pc?d?b?-?l?s???";

	ret_text[0] = types[(mode >> 12) & 15];
	for (int i = 0; i < 9; i++)
		ret_text[i + 1] = mode & (0400u >> i) ? letters[i] : '-';
	if (mode & S_ISUID)
		ret_text[3] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		ret_text[6] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		ret_text[9] = mode & S_IXOTH ? 't' : 'T';
	ret_text[10] = '\0';
}

static int print_entry(void *context, const struct fsys_entry *entry)
{
	char mode[11], date[32] = "?";
	CLEANUP(free_cleanup) char *name = shown(entry->name);
	CLEANUP(free_cleanup) char *target = shown(entry->target);
	time_t seconds = (time_t)entry->time_seconds;
	struct tm when;

	(void)context;
	mode_text(entry->mode, mode);
	if (gmtime_r(&seconds, &when))
		strftime(date, sizeof date, "%Y-%m-%d %H:%M", &when);
	printf("%s %5" PRIu32 " %5" PRIu32 " %12" PRIu64 " %s %s%s%s\n", mode, entry->uid,
	       entry->gid, entry->size_bytes, date, name, entry->target ? " -> " : "", target);
	return 0;
}

static int run_ls(const struct arguments *arguments, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;
	int r = open_fsys(arguments, false, &image, &fsys, err);

	return r < 0 ? r : fsys_list(fsys, arguments->rest[2], print_entry, NULL, err);
}

static int run_cat(const struct arguments *arguments, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;
	int r = open_fsys(arguments, false, &image, &fsys, err);

	return r < 0 ? r : fsys_read_to(fsys, arguments->rest[2], STDOUT_FILENO, err);
}

static int mode_parse(const char *text, uint32_t *ret_mode, struct err *err)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end || mode > 07777)
		return err_set(err, -EINVAL, "--mode: \"%s\" is no octal mode from 0 to 7777",
			       text);
	*ret_mode = (uint32_t)mode;
	return 0;
}

/* Owner, mode and extended attributes of the file that is replaced, 0644 root for a new one; the
 * time of the local file. */
static int put_attributes(const struct arguments *arguments, struct fsys *fsys,
			  const struct stat *local, struct fsys_attributes *ret_attributes,
			  struct err *err)
{
	const char *mode = argument(arguments, "mode"), *path = arguments->rest[3];

	if (fsys_get_attributes(fsys, path, ret_attributes, NULL) == 0 &&
	    S_ISREG(ret_attributes->mode))
		ret_attributes->like = path;
	else
		*ret_attributes = (struct fsys_attributes){ .mode = 0644 };
	ret_attributes->time_seconds = local->st_mtime;
	return mode ? mode_parse(mode, &ret_attributes->mode, err) : 0;
}

/* O_NONBLOCK: a FIFO under that name must not hold us up. */
static int local_open(const char *path, int *ret_fd, struct stat *ret_status, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, ret_status) < 0)
		return err_errno(err, errno, "%s: cannot be opened", path);
	if (!S_ISREG(ret_status->st_mode))
		return err_set(err, -EINVAL, "%s: is no regular file", path);
	*ret_fd = fd_take(&fd);
	return 0;
}

/* It would grow while it is read. */
static int check_not_itself(const struct image *image, const struct stat *local, struct err *err)
{
	struct stat own;

	if (fstat(image_fd(image), &own) == 0 && own.st_dev == local->st_dev &&
	    own.st_ino == local->st_ino)
		return err_set(err, -EINVAL, "%s: cannot be put into itself", image_path(image));
	return 0;
}

static int run_put(const struct arguments *arguments, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;
	const char *local = arguments->rest[2], *path = arguments->rest[3];
	CLEANUP(fd_cleanup) int from = -1;
	struct fsys_attributes attributes;
	struct stat status;
	int r = local_open(local, &from, &status, err);

	if (r == 0)
		r = open_fsys(arguments, true, &image, &fsys, err);
	if (r == 0)
		r = check_not_itself(image, &status, err);
	if (r == 0)
		r = put_attributes(arguments, fsys, &status, &attributes, err);
	if (r == 0)
		r = fsys_put_file(fsys, path, from, &attributes, err);
	if (r == 0)
		r = fsys_close(take(&fsys), err);
	if (r == 0 && fsync(image_fd(image)) < 0)
		r = err_errno(err, errno, "%s: cannot be synced", image_path(image));
	return r;
}

/* --- the verb ------------------------------------------------------------------------------- */

static const struct operation operations[] = {
	{ "inspect", "inspect FILE [--json]", 1, 1, run_inspect },
	{ "ls", "ls FILE PATH [--partition N]", 2, 2, run_ls },
	{ "cat", "cat FILE PATH [--partition N]", 2, 2, run_cat },
	{ "put", "put FILE LOCAL PATH [--mode MODE] [--partition N]", 3, 3, run_put },
	{ 0 },
};

static int image_run(const struct arguments *arguments, struct err *err)
{
	return operation_run("image", operations, arguments, err);
}

const struct command image_command = {
	.name = "image",
	.synopsis = "inspect|ls|cat|put FILE ... [--partition N]",
	.summary = "Shows what an image holds; lists, reads and puts files inside it",
	.options = options,
	.min_rest = 2,
	.max_rest = 4,
	.run = image_run,
};
