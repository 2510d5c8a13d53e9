/* ESXi takes no answer file from an initrd or a second disk without a change of its boot.cfg, so
 * the medium is made anew, by xorriso, with the boot records it had. */
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "media/boot_cfg.h"
#include "media/contents.h"
#include "media/medium.h"

#define BOOT_CFG_MAX_BYTES ((size_t)1 << 20)
#define KICKSTART_OPTION   "ks=cdrom:/KS.CFG"
#define REMAKE_SECONDS	   900

/* The two that a firmware may ask; UEFI's is missing on the oldest media. */
static const struct config {
	const char *file, *scratch;
	bool needed;
} configs[] = {
	{ "BOOT.CFG", "boot.cfg", true },
	{ "EFI/BOOT/BOOT.CFG", "efi-boot.cfg", false },
};

#define CONFIGS (sizeof configs / sizeof *configs)

/* Every file that it loads must be there. */
static int modules_check(const struct contents *contents, const char *name, const char *text,
			 struct err *err)
{
	CLEANUP(strv_done) struct strv files = { 0 };
	CLEANUP(free_cleanup) char *kernel = boot_cfg_value(text, "kernel");

	if (!kernel || !*kernel)
		return err_set(err, -EBADMSG, "%s: %s names no kernel", contents_path(contents),
			       name);
	strv_add(&files, kernel);
	boot_cfg_modules(text, &files);
	for (size_t i = 0; i < files.count; i++)
		if (!contents_find(contents, files.items[i]))
			return err_set(err, -EBADMSG,
				       "%s: %s names %s, which is not there: the medium is not "
				       "whole",
				       contents_path(contents), name, files.items[i]);
	return 0;
}

/* Adds "-map FILE /PATH" to the program's arguments. */
static void map_add(struct strv *argv, const char *file, const char *inside)
{
	strv_add(argv, "-map");
	strv_add(argv, file);
	strv_format(argv, "/%s", inside);
}

static int configs_edit(const struct contents *contents, const char *folder, const char *options,
			struct strv *argv, struct err *err)
{
	for (size_t i = 0; i < CONFIGS; i++) {
		const char *name = contents_find(contents, configs[i].file);
		CLEANUP(free_cleanup) char *text = NULL;
		CLEANUP(free_cleanup) char *file = path_join(folder, configs[i].scratch);

		if (!name && !configs[i].needed)
			continue;
		int r = contents_read(contents, configs[i].file, BOOT_CFG_MAX_BYTES, &text, NULL,
				      err);
		if (r == 0)
			r = modules_check(contents, configs[i].file, text, err);
		if (r < 0)
			return r;
		CLEANUP(free_cleanup) char *edited = boot_cfg_with_options(text, options);
		r = file_write(file, edited, strlen(edited), 0644, err);
		if (r < 0)
			return r;
		map_add(argv, file, name);
	}
	return 0;
}

static int remake(const struct medium *medium, const char *to, const struct strv *maps,
		  struct err *err)
{
	CLEANUP(strv_done) struct strv argv = { 0 };
	const char *const head[] = {
		"xorriso",     "-no_rc", "-report_about", "WARNING", "-abort_on",
		"FAILURE",     "-indev", medium->path,	  "-outdev", to,
		"-boot_image", "any",	 "replay",	  "-joliet", "on",
		"-overwrite",  "nondir", "-padding",	  "0"
	};

	for (size_t i = 0; i < sizeof head / sizeof *head; i++)
		strv_add(&argv, head[i]);
	strv_add_all(&argv, maps);
	strv_add(&argv, "-commit");
	int r = spawn_run(&(struct spawn_options){ .argv = (const char *const *)argv.items,
						   .purpose = "making the ESXi medium anew",
						   .timeout_seconds = REMAKE_SECONDS },
			  NULL, err);
	return r == -ECHILD ? err_wrap(err, -EBADMSG, "%s", medium->path) : r;
}

static int remade(const struct medium *medium, const struct medium_file *kickstart,
		  const char *options, const char *folder, const char *to, struct err *err)
{
	CLEANUP(contents_cleanup) struct contents *contents = NULL;
	CLEANUP(strv_done) struct strv maps = { 0 };
	CLEANUP(free_cleanup) char *file = path_join(folder, "ks.cfg");
	int r = contents_open(medium->path, &contents, err);

	if (r == 0 && !contents_boots(contents))
		r = err_set(
			err, -EBADMSG,
			"%s: has no boot record for BIOS or UEFI: it is no ESXi medium as VMware "
			"makes them",
			medium->path);
	if (r == 0)
		r = configs_edit(contents, folder, options, &maps, err);
	if (r == 0)
		r = file_write(file, kickstart->data, kickstart->length, 0644, err);
	if (r < 0)
		return r;
	map_add(&maps, file, "KS.CFG");
	return remake(medium, to, &maps, err);
}

int esxi_medium_make(const struct medium *medium, const struct medium_file *kickstart,
		     const char *kernel_args, const char *to, struct err *err)
{
	CLEANUP(free_cleanup)
	char *options = str_format(KICKSTART_OPTION "%s%s", *kernel_args ? " " : "", kernel_args);
	CLEANUP(free_cleanup) char *above = path_folder(to);
	CLEANUP(free_cleanup) char *folder = NULL;
	CLEANUP(temp_done) struct temp temp = TEMP_INIT;

	if (medium->family != OS_ESXI)
		return err_set(err, -EINVAL, "%s: is %s %s, not ESXi", medium->path,
			       medium->product, medium->version);
	/* Both hold the hash of root's password: who clears the one folder clears both. */
	int r = temp_open(&temp, to, 0600, err);
	if (r == 0)
		r = temp_dir(above, &folder, err);
	if (r < 0)
		return r;
	r = remade(medium, kickstart, options, folder, temp.path, err);
	tree_remove(folder, NULL);
	return r < 0 ? r : temp_publish(&temp, err);
}
