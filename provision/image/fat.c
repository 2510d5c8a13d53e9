#include "image/fat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/spawn.h"

struct fat {
	char *folder; /* ours alone */
	char *path;   /* of the file system in it */
	char *file;   /* that mcopy copies from or to */
	struct strv env;
	struct strv folders; /* inside, that are known to be there */
};

bool fat_label_valid(const char *label)
{
	return strlen(label) <= FAT_LABEL_MAX &&
	       label[strspn(label, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] == '\0';
}

static int run(const struct fat *fat, const char *const *argv, char **ret_output, struct err *err)
{
	int r = spawn_run(&(struct spawn_options){ .argv = argv,
						   .env = (const char *const *)fat->env.items,
						   .purpose = "a FAT file system" },
			  ret_output, err);

	if (r != -ECHILD)
		return r;
	/* mtools has one exit status for all. */
	err->code = strstr(err->text, "not found") ? -ENOENT : -EBADMSG;
	return err->code;
}

static int fat_make(int64_t time_seconds, struct fat **ret_fat, int *ret_fd, struct err *err)
{
	struct fat *fat = mem_alloc(sizeof *fat);
	int r = temp_dir(NULL, &fat->folder, err);

	if (r == 0) {
		fat->path = path_join(fat->folder, "fat.raw");
		fat->file = path_join(fat->folder, "file");
		strv_format(&fat->env, "SOURCE_DATE_EPOCH=%lld", (long long)time_seconds);
		strv_add(&fat->env, "TZ=UTC");
		strv_add(&fat->env, "LC_ALL=C.UTF-8");
		strv_add(&fat->env, "MTOOLSRC=/dev/null");
		strv_add(&fat->env, "MTOOLS_SKIP_CHECK=1");
		*ret_fd = open(fat->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (*ret_fd < 0)
			r = err_errno(err, errno, "%s: cannot be made", fat->path);
	}
	if (r < 0)
		fat_free(fat);
	else
		*ret_fat = fat;
	return r;
}

int fat_format(const struct fat_options *options, struct fat **ret_fat, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	CLEANUP(free_cleanup) char *id = str_format("%08x", options->volume_id);
	struct fat *fat = NULL;
	int r = fat_make(options->time_seconds, &fat, &fd, err);

	if (r < 0)
		return r;
	const char *const argv[] = { "/usr/sbin/mkfs.vfat",
				     "--invariant",
				     "-i",
				     id,
				     "-n",
				     *options->label ? options->label : "NO NAME",
				     fat->path,
				     NULL };
	if (ftruncate(fd, (off_t)options->size_bytes) < 0)
		r = err_errno(err, errno, "%s: cannot be made", fat->path);
	if (r == 0)
		r = run(fat, argv, NULL, err);
	if (r < 0)
		fat_free(fat);
	else
		*ret_fat = fat;
	return r;
}

int fat_open(struct image *image, const struct extent *where, int64_t time_seconds,
	     struct fat **ret_fat, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	struct fat *fat = NULL;
	int r = fat_make(time_seconds, &fat, &fd, err);

	if (r < 0)
		return r;
	r = image_copy_out(image, where, fd, err);
	if (r < 0)
		fat_free(fat);
	else
		*ret_fat = fat;
	return r;
}

int fat_list(struct fat *fat, const char *folder,
	     void (*each)(void *context, const char *name, bool is_folder), void *context,
	     struct err *err)
{
	CLEANUP(free_cleanup) char *inside = str_format("::%s", folder);
	CLEANUP(free_cleanup) char *output = NULL;
	const char *const argv[] = { "mdir", "-b", "-a", "-i", fat->path, inside, NULL };
	int r = run(fat, argv, &output, err);
	char *rest = NULL;

	if (r < 0)
		return err_wrap(err, r, "%s", folder);
	/* "::/EFI/BOOT/" is a folder, "::/EFI/xen.cfg" a file. */
	for (char *line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t length = strlen(line);
		bool is_folder = length > 0 && line[length - 1] == '/';

		if (is_folder)
			line[length - 1] = '\0';
		each(context, path_name(line), is_folder);
	}
	return 0;
}

int fat_read(struct fat *fat, const char *path, size_t max_bytes, char **ret_data,
	     size_t *ret_length, struct err *err)
{
	CLEANUP(free_cleanup) char *inside = str_format("::%s", path);
	const char *const argv[] = { "mcopy", "-n", "-i", fat->path, inside, fat->file, NULL };
	int r = run(fat, argv, NULL, err);

	if (r == 0)
		r = file_read(fat->file, max_bytes, ret_data, ret_length, err);
	unlink(fat->file);
	return r < 0 ? err_wrap(err, r, "%s", path) : 0;
}

static void folder_note(void *context, const char *name, bool is_folder)
{
	struct strv *names = context;

	if (is_folder)
		strv_add(names, name);
}

static int folder_make(struct fat *fat, const char *above, const char *name, struct err *err)
{
	CLEANUP(free_cleanup) char *inside = str_format("::%s%s", above, name);
	CLEANUP(strv_done) struct strv there = { 0 };
	const char *const argv[] = { "mmd", "-i", fat->path, inside, NULL };

	if (strv_has(&fat->folders, inside))
		return 0;
	int r = fat_list(fat, above, folder_note, &there, err);
	bool found = false;
	for (size_t i = 0; i < there.count; i++)
		found |= strcasecmp(there.items[i], name) == 0;
	if (r == 0 && !found)
		r = run(fat, argv, NULL, err);
	if (r == 0)
		strv_add(&fat->folders, inside);
	return r;
}

/* Every folder above path that is not there yet. */
static int folders_make(struct fat *fat, const char *path, struct err *err)
{
	int r = 0;

	for (const char *start = path + 1, *slash; r == 0 && (slash = strchr(start, '/'));
	     start = slash + 1) {
		CLEANUP(free_cleanup) char *above = str_format("%.*s", (int)(start - path), path);
		CLEANUP(free_cleanup) char *name = str_format("%.*s", (int)(slash - start), start);

		r = folder_make(fat, above, name, err);
	}
	return r;
}

int fat_put(struct fat *fat, const char *path, const void *data, size_t length, struct err *err)
{
	CLEANUP(free_cleanup) char *inside = str_format("::%s", path);
	const char *const argv[] = { "mcopy", "-o", "-i", fat->path, fat->file, inside, NULL };
	int r = folders_make(fat, path, err);

	if (r == 0)
		r = file_write(fat->file, data, length, 0600, err);
	if (r == 0)
		r = run(fat, argv, NULL, err);
	unlink(fat->file);
	return r < 0 ? err_wrap(err, r, "putting %s", path) : 0;
}

int fat_store(const struct fat *fat, struct image *image, const struct extent *where,
	      struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(fat->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be opened", fat->path);
	return image_copy_in(image, where->start_bytes, fd, err);
}

void fat_free(struct fat *fat)
{
	if (!fat)
		return;
	if (fat->folder)
		tree_remove(fat->folder, NULL);
	free(fat->folder);
	free(fat->path);
	free(fat->file);
	strv_done(&fat->env);
	strv_done(&fat->folders);
	free(fat);
}
