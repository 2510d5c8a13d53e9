/* GRUB Legacy: its own shell installs it into the image file, as `setup` does on a machine. The
 * package is 32-bit and conflicts with GRUB 2, so it is unpacked, and its shell started by the
 * dynamic linker that comes with it. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "bootloader/loaders.h"
#include "image/members.h"

#define LINKER "ld-linux.so.2"
#define SHELL  "usr/sbin/grub"

static const struct {
	const char *suffix; /* of the path in the package */
	const char *target; /* in the layer; NULL: for the installation alone */
} parts[] = {
	{ "/stage1", "/boot/grub/stage1" },
	{ "/stage2", "/boot/grub/stage2" },
	{ "/e2fs_stage1_5", "/boot/grub/e2fs_stage1_5" },
	{ SHELL, NULL },
	{ "lib32/" LINKER, NULL },
	{ "lib32/libc.so.6", NULL },
};

#define PARTS (sizeof parts / sizeof *parts)

static bool wanted(void *context, const char *path)
{
	(void)context;
	for (size_t i = 0; i < PARTS; i++)
		if (str_ends(path, parts[i].suffix))
			return true;
	return false;
}

static const struct member *part_find(const struct members *members, const char *suffix)
{
	for (size_t i = 0; i < members->count; i++)
		if (str_ends(members->items[i].path, suffix))
			return &members->items[i];
	return NULL;
}

static int parts_read(const char *tar, struct members *members, struct err *err)
{
	int r = members_read(tar, wanted, NULL, members, err);

	for (size_t i = 0; r == 0 && i < PARTS; i++)
		if (!part_find(members, parts[i].suffix))
			r = err_set(err, -EBADMSG, "%s: holds no %s", tar, parts[i].suffix);
	return r;
}

static int files(const struct boot_target *target, struct overlay *overlay, struct err *err)
{
	CLEANUP(members_done) struct members members = { 0 };
	int r = parts_read(target->tools_tar, &members, err);

	for (size_t i = 0; r == 0 && i < PARTS; i++) {
		const struct member *member = part_find(&members, parts[i].suffix);

		if (parts[i].target)
			overlay_file(overlay, parts[i].target, member->data, member->length, 0644);
	}
	return r;
}

static int tools_put(const struct boot_target *target, const char *folder, struct err *err)
{
	CLEANUP(members_done) struct members members = { 0 };
	int r = parts_read(target->tools_tar, &members, err);

	for (size_t i = 0; r == 0 && i < PARTS; i++) {
		const struct member *member = part_find(&members, parts[i].suffix);
		CLEANUP(free_cleanup) char *path = path_join(folder, path_name(member->path));

		if (!parts[i].target)
			r = file_write(path, member->data, member->length, 0700, err);
	}
	return r;
}

static int shell_run(const struct boot_target *target, const char *folder, struct err *err)
{
	CLEANUP(free_cleanup) char *image = realpath(image_path(target->image), NULL);
	CLEANUP(free_cleanup) char *linker = path_join(folder, LINKER);
	CLEANUP(free_cleanup) char *shell = path_join(folder, "grub");
	CLEANUP(free_cleanup) char *input = path_join(folder, "commands");
	CLEANUP(free_cleanup)
	char *commands = str_format("device (hd0) %s\nroot (hd0,%zu)\nsetup (hd0)\nquit\n",
				    image ? image : "", disk_partition_at(target->disk, "/"));
	CLEANUP(free_cleanup) char *output = NULL;
	const char *const argv[] = {
		linker,	       "--library-path",	 folder, shell, "--batch",
		"--no-floppy", "--device-map=/dev/null", NULL
	};
	int r = file_write(input, commands, strlen(commands), 0600, err);

	if (r == 0)
		r = spawn_run(&(struct spawn_options){ .argv = argv,
						       .input_path = input,
						       .purpose = "installing GRUB Legacy" },
			      &output, err);
	/* The shell says what went wrong, and ends well all the same. */
	if (r == 0 && (strstr(output, "Error ") || !strstr(output, "succeeded")))
		return err_set(err, -EIO, "GRUB Legacy's shell could not install it:\n%s", output);
	return r;
}

static int install(const struct boot_target *target, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	int r = temp_dir(NULL, &folder, err);

	if (r < 0)
		return r;
	r = tools_put(target, folder, err);
	if (r == 0)
		r = shell_run(target, folder, err);
	int removed = tree_remove(folder, r < 0 ? NULL : err);
	return r < 0 ? r : removed;
}

const struct bootloader grub_legacy_loader = {
	.id = BOOT_GRUB_LEGACY,
	.menu = true,
	.packages = (const char *const[]){ "grub-legacy", "libc6-i386", NULL },
	.files = files,
	.install = install,
};
