#include "os/bootstrap.h"

#include <errno.h>

#include "bootloader/bootloader.h"
#include "os/family.h"
#include "pattern/pattern.h"

const char *const unread_paths[] = {
	"/usr/share/doc/*",    "/usr/share/man/*",     "/usr/share/info/*",
	"/usr/share/locale/*", "/usr/share/lintian/*", NULL,
};

/* Boot loaders' own files are Debian's, whatever the layer's family. */
#define LOADER_RELEASE "bookworm"

static const struct os_family *const families[] = { &debian_family, &suse_family };

static const struct os_family *family_find(const struct base_request *request)
{
	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (families[i]->id == request->family)
			return families[i];
	return NULL;
}

static int family_missing(const struct base_request *request, struct err *err)
{
	return err_set(err, -ENOTSUP,
		       "%s: no layer of this family is made directly from packages: name its "
		       "installer's medium as install.medium",
		       os_family_name(request->family));
}

static void packages_add(struct strv *list, const char *const *packages)
{
	for (; packages && *packages; packages++)
		strv_add(list, *packages);
}

int base_request_make(const struct layer *layer, struct base_request *ret_request, struct err *err)
{
	const char *const *pattern =
		pattern_packages(layer->pattern, layer->os_family, layer->release);

	if (!pattern)
		return err_set(err, -EINVAL, "%s: pattern %s has no packages for %s %s",
			       layer->name, layer->pattern->name, os_family_name(layer->os_family),
			       layer->release);
	*ret_request = (struct base_request){
		.family = layer->os_family,
		.release = layer->release,
		.mirror = layer->mirror,
		.keyring = layer->keyring,
		.locale = layer->locale,
		.name = layer->pattern->name,
		.extract = layer->pattern->initramfs == INITRAMFS_AGENT,
		.excluded_paths = layer->pattern->excluded_paths,
		.initramfs_modules = layer->pattern->initramfs_modules,
	};
	packages_add(&ret_request->packages, pattern);
	for (size_t i = 0; i < layer->groups.count; i++)
		packages_add(
			&ret_request->packages,
			package_group(layer->groups.items[i], layer->os_family, layer->release));
	packages_add(&ret_request->packages, (const char *const *)layer->packages.items);
	strv_sort(&ret_request->packages);
	return 0;
}

bool base_request_for_loader(const struct layer *layer, struct base_request *ret_request)
{
	const struct bootloader *loader = bootloader_of(layer->boot_loader);

	if (!loader->packages)
		return false;
	bool debian = layer->os_family == OS_DEBIAN;
	*ret_request = (struct base_request){
		.family = OS_DEBIAN,
		.release = debian ? layer->release : LOADER_RELEASE,
		.mirror = debian ? layer->mirror : "",
		.keyring = "",
		.locale = "C.UTF-8",
		.name = boot_loader_name(loader->id),
		.extract = true,
	};
	packages_add(&ret_request->packages, loader->packages);
	return true;
}

void base_request_done(struct base_request *request)
{
	strv_done(&request->packages);
}

int base_request_inputs(const struct base_request *request, struct inputs *ret_inputs,
			struct err *err)
{
	CLEANUP(free_cleanup) char *packages = strv_join(&request->packages, " ");
	CLEANUP(buf_done) struct buf excluded = { 0 };
	const struct os_family *family = family_find(request);

	if (!family)
		return family_missing(request, err);
	for (const char *const *path = request->excluded_paths; path && *path; path++)
		buf_format(&excluded, "%s ", *path);
	inputs_add(ret_inputs, "format", family->tree_format);
	inputs_add(ret_inputs, "family", os_family_name(request->family));
	inputs_add(ret_inputs, "release", request->release);
	inputs_add(ret_inputs, "locale", request->locale);
	inputs_add(ret_inputs, "pattern", request->name);
	inputs_add(ret_inputs, "packages", packages);
	inputs_add(ret_inputs, "excluded paths", buf_str(&excluded));
	return family->inputs(request, ret_inputs, err);
}

void base_request_key(const struct base_request *request, char ret_key[HASH_HEX_LENGTH + 1])
{
	CLEANUP(free_cleanup) char *packages = strv_join(&request->packages, " ");
	struct hash *hash = hash_new();

	hash_field(hash, "family", os_family_name(request->family));
	hash_field(hash, "release", request->release);
	hash_field(hash, "kind", request->extract ? "extracted" : "installed");
	hash_field(hash, "packages", packages);
	hash_finish_hex(hash, ret_key);
}

int base_resolve(const struct base_request *request, const struct base_options *options,
		 struct package_list *ret_list, struct err *err)
{
	const struct os_family *family = family_find(request);

	return family ? family->resolve(request, options, ret_list, err)
		      : family_missing(request, err);
}

int base_bootstrap(const struct base_request *request, const struct base_options *options,
		   const char *folder, struct err *err)
{
	const struct os_family *family = family_find(request);

	return family ? family->bootstrap(request, options, folder, err)
		      : family_missing(request, err);
}

int base_fetch(const struct base_request *request, const struct base_options *options,
	       struct err *err)
{
	const struct os_family *family = family_find(request);

	return family ? family->fetch(request, options, err) : family_missing(request, err);
}
