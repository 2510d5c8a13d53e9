#include "bootloader/grub2.h"

#include <errno.h>
#include <string.h>

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

static int core_write(const struct grub2_core *core, const char *folder, const char *core_path,
		      struct err *err)
{
	CLEANUP(free_cleanup) char *config = path_join(folder, "early.cfg");
	CLEANUP(free_cleanup)
	char *text = str_format("search --no-floppy --fs-uuid --set=root %s\n"
				"set prefix=($root)%s\n",
				core->root_uuid, core->menu_folder);
	CLEANUP(strv_done) struct strv argv = { 0 };
	int r = file_write(config, text, strlen(text), 0600, err);

	if (r < 0)
		return r;
	strv_add(&argv, "grub-mkimage");
	strv_format(&argv, "--format=%s", core->format);
	strv_format(&argv, "--directory=%s", core->folder);
	strv_format(&argv, "--prefix=%s", core->menu_folder);
	strv_format(&argv, "--config=%s", config);
	strv_format(&argv, "--output=%s", core_path);
	words_add(&argv, common_modules);
	words_add(&argv, core->modules);
	return spawn_run(&(struct spawn_options){ .argv = (const char *const *)argv.items,
						  .purpose = "making GRUB's core image" },
			 NULL, err);
}

int grub2_core_make(const struct grub2_core *core, char **ret_core, size_t *ret_length,
		    struct err *err)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	int r = temp_dir(NULL, &folder, err);

	if (r < 0)
		return r;
	CLEANUP(free_cleanup) char *path = path_join(folder, "core.img");
	r = core_write(core, folder, path, err);
	if (r == 0)
		r = file_read(path, CORE_MAX_BYTES, ret_core, ret_length, err);
	int removed = tree_remove(folder, r < 0 ? NULL : err);
	return r < 0 ? r : removed;
}
