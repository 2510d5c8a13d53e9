#include "bootloader/grub2.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"

#define CORE_MAX_BYTES (16u << 20)

static const char common_modules[] = "part_msdos part_gpt ext2 search search_fs_uuid normal "
				     "configfile echo test serial terminal linux multiboot2 gzio";

static void words_add(struct strv *argv, const char *words)
{
	CLEANUP(free_cleanup) char *text = str_copy(words);
	char *rest = NULL;

	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		strv_add(argv, word);
}

/* In memory: whatever ends us leaves nothing behind. */
struct core_files {
	int config, image;
};

static int files_hand_over(void *context)
{
	const struct core_files *files = context;

	if (fcntl(files->config, F_SETFD, 0) < 0 || fcntl(files->image, F_SETFD, 0) < 0)
		return -errno;
	return 0;
}

static int config_write(const struct grub2_core *core, int config, struct err *err)
{
	CLEANUP(free_cleanup)
	char *text = str_format("search --no-floppy --fs-uuid --set=root %s\n"
				"set prefix=($root)%s\n",
				core->root_uuid, core->menu_folder);
	int r = fd_write_all(config, text, strlen(text));

	return r < 0 ? err_errno(err, -r, "the first commands of GRUB cannot be written") : 0;
}

static int image_make(const struct grub2_core *core, struct core_files *files, struct err *err)
{
	CLEANUP(strv_done) struct strv argv = { 0 };

	strv_add(&argv, "grub-mkimage");
	strv_format(&argv, "--format=%s", core->format);
	strv_format(&argv, "--directory=%s", core->folder);
	strv_format(&argv, "--prefix=%s", core->menu_folder);
	strv_format(&argv, "--config=/proc/self/fd/%d", files->config);
	strv_format(&argv, "--output=/proc/self/fd/%d", files->image);
	words_add(&argv, common_modules);
	words_add(&argv, core->modules);
	return spawn_run(&(struct spawn_options){ .argv = (const char *const *)argv.items,
						  .in_child = files_hand_over,
						  .context = files,
						  .purpose = "making GRUB's core image" },
			 NULL, err);
}

static int image_read(int image, char **ret_core, size_t *ret_length, struct err *err)
{
	off_t length = lseek(image, 0, SEEK_END);

	if (length <= 0 || length > CORE_MAX_BYTES)
		return err_set(err, -EBADMSG, "GRUB's core image has a wrong size");
	CLEANUP(free_cleanup) char *core = mem_alloc((size_t)length);
	ssize_t got = fd_pread_all(image, core, (size_t)length, 0);
	if (got != length)
		return err_errno(err, got < 0 ? (int)-got : EIO,
				 "GRUB's core image cannot be read");
	*ret_core = take(&core);
	*ret_length = (size_t)length;
	return 0;
}

int grub2_core_make(const struct grub2_core *core, char **ret_core, size_t *ret_length,
		    struct err *err)
{
	CLEANUP(fd_cleanup) int config = memfd_create("early.cfg", MFD_CLOEXEC);
	CLEANUP(fd_cleanup) int image = memfd_create("core.img", MFD_CLOEXEC);

	if (config < 0 || image < 0)
		return err_errno(err, errno, "no memory for GRUB's core image");
	int r = config_write(core, config, err);
	if (r == 0)
		r = image_make(core, &(struct core_files){ config, image }, err);
	return r < 0 ? r : image_read(image, ret_core, ret_length, err);
}
