#include "os/bootstrap.h"

#include <errno.h>

#include "bootloader/bootloader.h"
#include "os/debian.h"
#include "pattern/pattern.h"

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
	*ret_request = (struct base_request){
		.family = layer->os_family,
		.release = layer->release,
		.mirror = layer->mirror,
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

	for (const char *const *path = request->excluded_paths; path && *path; path++)
		buf_format(&excluded, "%s ", *path);
	inputs_add(ret_inputs, "format", DEBIAN_TREE_FORMAT);
	inputs_add(ret_inputs, "family", os_family_name(request->family));
	inputs_add(ret_inputs, "release", request->release);
	inputs_add(ret_inputs, "locale", request->locale);
	inputs_add(ret_inputs, "pattern", request->name);
	inputs_add(ret_inputs, "packages", packages);
	inputs_add(ret_inputs, "excluded paths", buf_str(&excluded));
	return debian_hook_inputs(ret_inputs, err);
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

static int family_error(const struct base_request *request, const char *what, struct err *err)
{
	return err_set(err, -ENOTSUP, "%s: %s for this family", os_family_name(request->family),
		       what);
}

int base_resolve(const struct base_request *request, const struct base_options *options,
		 struct package_list *ret_list, struct err *err)
{
	switch (request->family) {
	case OS_DEBIAN:
		return debian_resolve(request, options, ret_list, err);
	default:
		break;
	}
	return family_error(request, "no list of packages beforehand", err);
}

int base_bootstrap(const struct base_request *request, const struct base_options *options,
		   const char *folder, struct err *err)
{
	switch (request->family) {
	case OS_DEBIAN:
		return debian_bootstrap(request, options, folder, err);
	default:
		break;
	}
	return family_error(request, "no bootstrap", err);
}

int base_fetch(const struct base_request *request, const struct base_options *options,
	       struct err *err)
{
	switch (request->family) {
	case OS_DEBIAN:
		return debian_fetch(request, options, err);
	default:
		break;
	}
	return family_error(request, "no packages to fetch", err);
}
