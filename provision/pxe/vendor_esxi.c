/* Sources: "Network Booting the ESXi Installer" in "VMware ESXi Installation and Setup" of vSphere
 * 7.0 and 8.0; mboot/mboot.c of VMware's esx-boot: mboot -c FILE [KERNEL_OPTIONS]. */
#include "pxe/vendor_esxi.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "media/boot_cfg.h"
#include "media/contents.h"

#define CONFIG_MAX_BYTES ((size_t)1 << 20)

/* As the medium spells it. */
static int name_spelt(const struct contents *contents, const char *config, const char *name,
		      const char **ret_name, struct err *err)
{
	*ret_name = contents_find(contents, name);
	if (*ret_name)
		return 0;
	return err_set(err, -EBADMSG,
		       "%s: %s names %s, which is not there: the medium is not whole",
		       contents_path(contents), config, name);
}

static int modules_spelt(const struct contents *contents, const char *config, const char *text,
			 char **ret_modules, struct err *err)
{
	CLEANUP(strv_done) struct strv names = { 0 };
	CLEANUP(strv_done) struct strv spelt = { 0 };
	int r = 0;

	boot_cfg_modules(text, &names);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const char *name = NULL;

		r = name_spelt(contents, config, names.items[i], &name, err);
		if (r == 0)
			strv_add(&spelt, name);
	}
	if (r == 0)
		*ret_modules = strv_join(&spelt, " --- ");
	return r;
}

/* Its options without the CD-ROM, and without answers of its own. */
static char *options_over_network(const char *text)
{
	CLEANUP(free_cleanup) char *options = boot_cfg_value(text, "kernelopt");
	CLEANUP(strv_done) struct strv kept = { 0 };
	char *rest = NULL;

	for (char *word = options ? strtok_r(options, " \t", &rest) : NULL; word;
	     word = strtok_r(NULL, " \t", &rest))
		if (strcasecmp(word, "cdromBoot") != 0 && strncasecmp(word, "ks=", 3) != 0)
			strv_add(&kept, word);
	return strv_join(&kept, " ");
}

static int config_remake(const struct contents *contents, const char *config,
			 const char *repository, char **ret_text, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(free_cleanup) char *modules = NULL;
	const char *spelt = NULL;
	int r = contents_read(contents, config, CONFIG_MAX_BYTES, &text, NULL, err);

	if (r < 0)
		return r;
	CLEANUP(free_cleanup) char *kernel = boot_cfg_value(text, "kernel");
	CLEANUP(free_cleanup) char *options = options_over_network(text);
	r = name_spelt(contents, config, kernel && *kernel ? kernel : "no kernel", &spelt, err);
	if (r == 0)
		r = modules_spelt(contents, config, text, &modules, err);
	if (r < 0)
		return r;
	CLEANUP(free_cleanup) char *one = boot_cfg_set(text, "kernel", spelt);
	CLEANUP(free_cleanup) char *two = boot_cfg_set(one, "modules", modules);
	CLEANUP(free_cleanup) char *three = boot_cfg_set(two, "kernelopt", options);
	*ret_text = boot_cfg_set(three, "prefix", repository);
	return 0;
}

int vendor_esxi_make(const struct vendor_medium *medium, const char *repository,
		     struct vendor_esxi *ret_esxi, struct err *err)
{
	CLEANUP(contents_cleanup) struct contents *contents = NULL;
	CLEANUP(vendor_esxi_done) struct vendor_esxi esxi = { 0 };
	int r = contents_open(medium->root, &contents, err);

	if (r < 0)
		return r;
	esxi.bios = str_copy(contents_find(contents, "mboot.c32"));
	esxi.uefi = str_copy(contents_find(contents, "efi/boot/bootx64.efi"));
	if (!esxi.bios)
		return err_set(err, -EBADMSG,
			       "%s: has no mboot.c32, which boots ESXi over the network",
			       medium->path);
	r = config_remake(contents, "boot.cfg", repository, &esxi.bios_config, err);
	if (r == 0 && esxi.uefi)
		r = config_remake(contents, "efi/boot/boot.cfg", repository, &esxi.uefi_config,
				  err);
	if (r < 0)
		return r;
	ret_esxi->bios = take(&esxi.bios);
	ret_esxi->bios_config = take(&esxi.bios_config);
	ret_esxi->uefi = take(&esxi.uefi);
	ret_esxi->uefi_config = take(&esxi.uefi_config);
	return 0;
}

void vendor_esxi_done(struct vendor_esxi *esxi)
{
	free(esxi->bios);
	free(esxi->bios_config);
	free(esxi->uefi);
	free(esxi->uefi_config);
	*esxi = (struct vendor_esxi){ 0 };
}
