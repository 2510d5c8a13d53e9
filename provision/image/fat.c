#include "image/fat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/spawn.h"

struct fat {
	char *folder; /* ours alone */
	char *path;   /* of the file system in it */
	char *source; /* what mcopy copies next */
	struct strv env;
	struct strv made; /* folders inside */
};

bool fat_label_valid(const char *label)
{
	return strlen(label) <= FAT_LABEL_MAX &&
	       label[strspn(label, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] == '\0';
}

static int run(const struct fat *fat, const char *const *argv, struct err *err)
{
	return spawn_run(&(struct spawn_options){ .argv = argv,
						  .env = (const char *const *)fat->env.items,
						  .purpose = "writing a FAT file system" },
			 NULL, err);
}

static int file_make(const struct fat *fat, uint64_t size_bytes, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(fat->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)size_bytes) < 0)
		return err_errno(err, errno, "%s: cannot be made", fat->path);
	return 0;
}

int fat_format(const struct fat_options *options, struct fat **ret_fat, struct err *err)
{
	struct fat *fat = mem_alloc(sizeof *fat);
	CLEANUP(free_cleanup) char *id = str_format("%08x", options->volume_id);
	int r = temp_dir(NULL, &fat->folder, err);

	if (r < 0) {
		fat_discard(fat);
		return r;
	}
	fat->path = path_join(fat->folder, "fat.raw");
	fat->source = path_join(fat->folder, "file");
	strv_format(&fat->env, "SOURCE_DATE_EPOCH=%lld", (long long)options->time_seconds);
	strv_add(&fat->env, "TZ=UTC");
	strv_add(&fat->env, "MTOOLSRC=/dev/null");
	const char *const argv[] = { "/usr/sbin/mkfs.vfat",
				     "--invariant",
				     "-i",
				     id,
				     "-n",
				     *options->label ? options->label : "NO NAME",
				     fat->path,
				     NULL };
	r = file_make(fat, options->size_bytes, err);
	if (r == 0)
		r = run(fat, argv, err);
	if (r < 0)
		fat_discard(fat);
	else
		*ret_fat = fat;
	return r;
}

/* Every folder above path that is not there yet. */
static int folders_make(struct fat *fat, const char *path, struct err *err)
{
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		CLEANUP(free_cleanup)
		char *folder = str_format("::%.*s", (int)(slash - path), path);
		const char *const argv[] = { "mmd", "-i", fat->path, folder, NULL };

		if (strv_has(&fat->made, folder))
			continue;
		int r = run(fat, argv, err);
		if (r < 0)
			return r;
		strv_add(&fat->made, folder);
	}
	return 0;
}

int fat_put(struct fat *fat, const char *path, const void *data, size_t length, struct err *err)
{
	CLEANUP(free_cleanup) char *target = str_format("::%s", path);
	const char *const argv[] = { "mcopy", "-o", "-i", fat->path, fat->source, target, NULL };
	int r = folders_make(fat, path, err);

	if (r == 0)
		r = file_write(fat->source, data, length, 0600, err);
	if (r == 0)
		r = run(fat, argv, err);
	return r < 0 ? err_wrap(err, r, "putting %s", path) : 0;
}

int fat_close(struct fat *fat, struct image *image, const struct extent *where, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(fat->path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? err_errno(err, errno, "%s: cannot be opened", fat->path)
		       : image_write_file(image, where->start_bytes, fd, err);

	fat_discard(fat);
	return r;
}

void fat_discard(struct fat *fat)
{
	if (!fat)
		return;
	if (fat->folder)
		tree_remove(fat->folder, NULL);
	free(fat->folder);
	free(fat->path);
	free(fat->source);
	strv_done(&fat->env);
	strv_done(&fat->made);
	free(fat);
}
