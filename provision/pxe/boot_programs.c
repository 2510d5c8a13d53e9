#include "pxe/boot_programs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/data.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"

/* All that a boot text of ours uses is built in: there is nowhere to load a module from. */
#define COMMON                                                                                     \
	"normal", "configfile", "echo", "test", "regexp", "sleep", "terminal", "serial", "net",    \
		"tftp", "http", "smbios", "linux", "gzio", "xzio", "multiboot2", "chain",          \
		"part_msdos", "part_gpt", "ext2", "fat", "search", "search_fs_uuid",               \
		"search_fs_file", "reboot", "halt", "all_video"

static const struct program {
	const char *name, *format;
	const char *modules[40];
} programs[] = {
	{ BOOT_PROGRAM_BIOS, "i386-pc-pxe", { COMMON, "pxe", "biosdisk", "drivemap", "linux16" } },
	{ BOOT_PROGRAM_UEFI, "x86_64-efi", { COMMON, "efinet" } },
};

static int program_make(const struct program *program, const char *config, const char *folder,
			struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, program->name);
	CLEANUP(temp_done) struct temp temp = TEMP_INIT;
	CLEANUP(strv_done) struct strv argv = { 0 };
	int r = temp_open(&temp, path, 0644, err);

	if (r < 0)
		return r;
	strv_add(&argv, "grub-mkimage");
	strv_format(&argv, "--format=%s", program->format);
	strv_add(&argv, "--prefix=/");
	strv_format(&argv, "--config=%s", config);
	strv_format(&argv, "--output=%s", temp.path);
	strv_add_names(&argv, program->modules);
	r = spawn_run(&(struct spawn_options){ .argv = (const char *const *)argv.items,
					       .purpose = "making GRUB's network boot image" },
		      NULL, err);
	if (r < 0)
		return err_wrap(err, r, "%s", program->name);
	return temp_publish(&temp, err);
}

/* The early commands are read by GRUB's rescue parser: no comment, no if, a line a command. */
int boot_programs_make(const char *folder, const char *server, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(temp_done) struct temp config = TEMP_INIT;
	CLEANUP(free_cleanup) char *config_path = path_join(folder, "early.cfg");
	int r = dir_make(folder, 0755, err);

	if (r == 0)
		r = template_render(
			"pxe/grub-early.cfg",
			(const struct template_value[]){ { "SERVER", server }, { NULL, NULL } },
			&text, err);
	if (r == 0)
		r = temp_open(&config, config_path, 0644, err);
	if (r != 0)
		return r;
	r = fd_write_all(config.fd, text, strlen(text));
	if (r < 0)
		return err_errno(err, -r, "%s: cannot be written", config.path);
	for (size_t i = 0; r == 0 && i < sizeof programs / sizeof *programs; i++)
		r = program_make(&programs[i], config.path, folder, err);
	return r;
}
