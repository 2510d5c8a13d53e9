#include "media/medium.h"

#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "media/recognize.h"

/* Where a family has its kernel; the first pair that a medium has whole is its own. */
static const struct place {
	enum os_family_id family;
	const char *kernel, *initrd;
} places[] = {
	{ OS_SUSE, "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd" },
	{ OS_SUSE, "boot/i386/loader/linux", "boot/i386/loader/initrd" },
	{ OS_SUSE, "boot/loader/linux", "boot/loader/initrd" },
	{ OS_REDHAT, "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img" },
	{ OS_REDHAT, "isolinux/vmlinuz", "isolinux/initrd.img" },
	{ OS_DEBIAN, "install.amd/vmlinuz", "install.amd/initrd.gz" },
	{ OS_DEBIAN, "debian-installer/amd64/linux", "debian-installer/amd64/initrd.gz" },
	{ OS_DEBIAN, "install/vmlinuz", "install/initrd.gz" },
	{ OS_DEBIAN, "casper/vmlinuz", "casper/initrd" },
	{ OS_DEBIAN, "linux", "initrd.gz" },
	{ OS_XCPNG, "boot/vmlinuz", "install.img" },
	{ OS_PROXMOX, "boot/linux26", "boot/initrd.img" },
};

#define PLACES (sizeof places / sizeof *places)

static const char *found_or_null(const struct contents *contents, const char *name)
{
	return name && *name ? contents_find(contents, name) : NULL;
}

static int no_kernel(const struct contents *contents, const struct recognized *product,
		     struct err *err)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	if (product->kernel)
		strv_add(&names, product->kernel);
	for (size_t i = 0; i < PLACES; i++)
		if (places[i].family == product->family)
			strv_format(&names, "%s with %s", places[i].kernel, places[i].initrd);
	CLEANUP(free_cleanup) char *list = strv_join(&names, ", ");
	return err_set(err, -EBADMSG,
		       "%s: is %s %s, but no medium to install from: it has no kernel (looked for "
		       "%s): take the first of the set",
		       contents_path(contents), product->name, product->version, list);
}

static int kernel_find(const struct contents *contents, const struct recognized *product,
		       struct medium *medium, struct err *err)
{
	const char *kernel = found_or_null(contents, product->kernel);
	const char *initrd =
		product->family == OS_ESXI ? "" : found_or_null(contents, product->initrd);

	for (size_t i = 0; i < PLACES && !(kernel && initrd); i++) {
		if (places[i].family != product->family)
			continue;
		kernel = contents_find(contents, places[i].kernel);
		initrd = contents_find(contents, places[i].initrd);
	}
	if (!kernel || !initrd)
		return no_kernel(contents, product, err);
	medium->kernel = str_copy(kernel);
	medium->initrd = str_copy(initrd);
	return 0;
}

static void recognized_cleanup(struct recognized *product)
{
	recognized_done(product);
}

int medium_open(const char *path, struct medium **ret_medium, struct err *err)
{
	CLEANUP(contents_cleanup) struct contents *contents = NULL;
	CLEANUP(recognized_cleanup) struct recognized product = { 0 };
	CLEANUP(medium_cleanup) struct medium *medium = mem_alloc(sizeof *medium);
	int r = contents_open(path, &contents, err);

	if (r == 0)
		r = medium_recognize(contents, &product, err);
	if (r == 0)
		r = kernel_find(contents, &product, medium, err);
	if (r < 0)
		return r;
	medium->path = str_copy(path);
	medium->label = str_copy(contents_label(contents));
	medium->is_image = contents_is_image(contents);
	medium->family = product.family;
	medium->product = take(&product.name);
	medium->version = take(&product.version);
	*ret_medium = take(&medium);
	return 0;
}

void medium_free(struct medium *medium)
{
	if (!medium)
		return;
	free(medium->path);
	free(medium->label);
	free(medium->product);
	free(medium->version);
	free(medium->kernel);
	free(medium->initrd);
	free(medium);
}

void medium_cleanup(struct medium **medium)
{
	medium_free(*medium);
}

int medium_extract(const struct medium *medium, const char *name, const char *to, struct err *err)
{
	CLEANUP(contents_cleanup) struct contents *contents = NULL;
	CLEANUP(temp_done) struct temp temp = TEMP_INIT;
	int r = contents_open(medium->path, &contents, err);

	if (r == 0)
		r = temp_open(&temp, to, 0644, err);
	if (r == 0)
		r = contents_copy(contents, name, temp.fd, err);
	return r < 0 ? r : temp_publish(&temp, err);
}
