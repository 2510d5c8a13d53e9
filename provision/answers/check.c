/* What a format cannot say of a layer: found before anything is written, all of it at once. */
#include <stdarg.h>
#include <string.h>

#include "answers/formats.h"
#include "pattern/pattern.h"
#include "profile/keys.h"

#define MIB (UINT64_C(1) << 20)

void answers_wrong(const struct answers_check *check, const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	key_wrong(check->layer, key, check->diagnostics, format, args);
	va_end(args);
}

/* Of no format: each installer knows the keys that its medium brings. */
static const struct answers_limit common_limits[] = {
	{ "os.keyring", NULL, "none: its installer takes no keys of repositories" },
	{ 0 },
};

static void check_limits(const struct answers_check *check, const struct answers_limit *limits)
{
	for (const struct answers_limit *limit = limits; limit->key; limit++) {
		const struct node *node = node_at(check->layer->map, limit->key);

		if (!node_given(node) || (limit->same && node->kind == NODE_SCALAR &&
					  str_equal(node->text, limit->same)))
			continue;
		CLEANUP(free_cleanup) char *found = node_describe(node);
		answers_wrong(check, limit->key, "found %s; allowed with %s is %s", found,
			      check->release->title, limit->allowed);
	}
}

const struct answers_release *answers_release_of(const struct answers_format *format,
						 const struct layer *layer)
{
	const struct answers_release *release;

	for (size_t i = 0; (release = format->release(i)); i++)
		if (str_equal(release->name, layer->release))
			break;
	return release;
}

/* NULL: it is none of the format's, which was reported. */
static const struct answers_release *release_find(const struct answers_check *check)
{
	CLEANUP(strv_done) struct strv names = { 0 };
	const struct answers_release *release = answers_release_of(check->format, check->layer);

	if (release)
		return release;
	for (size_t i = 0; (release = check->format->release(i)); i++)
		strv_add(&names, release->name);
	CLEANUP(free_cleanup) char *list = strv_join(&names, ", ");
	answers_wrong(check, "os.release",
		      "found \"%s\"; allowed for an installer of family %s is %s",
		      check->layer->release, os_family_name(check->layer->os_family), list);
	return NULL;
}

static void check_groups(const struct answers_check *check)
{
	const struct layer *layer = check->layer;
	CLEANUP(free_cleanup) char *names = package_group_names();

	/* Where no group can be had, limits[] says so. */
	if (!check->format->partitions)
		return;
	for (size_t i = 0; i < layer->groups.count; i++)
		if (!package_group(layer->groups.items[i], layer->os_family, layer->release))
			answers_wrong(check, "os.groups", "found \"%s\"; allowed is one of %s",
				      layer->groups.items[i], names);
}

static void check_role(const struct answers_check *check)
{
	const struct layer *layer = check->layer;

	if (layer->hypervisor == HYPERVISOR_XEN && !check->release->xen)
		answers_wrong(check, "hypervisor", "found \"xen\"; allowed with %s is none",
			      check->release->title);
	if (layer->pattern->initramfs == INITRAMFS_AGENT)
		answers_wrong(check, "pattern",
			      "found \"%s\", which no installer makes; allowed with %s is guest%s",
			      layer->pattern->name, check->release->title,
			      check->release->xen ? " or xen-host" : "");
	if (layer->machine.type != MACHINE_HVM)
		answers_wrong(check, "machine.type",
			      "found \"%s\"; allowed for a layer that an installer makes is hvm",
			      machine_type_name(layer->machine.type));
}

static void check_password(const struct answers_check *check)
{
	const char *hash = check->layer->root_password_hash;
	CLEANUP(free_cleanup) char *kinds = str_format(" %s ", check->release->hashes);

	if (!*hash) {
		if (!check->format->partitions)
			answers_wrong(check, "root_password_hash",
				      "found nothing; allowed with %s is a hash: its installer "
				      "locks no password",
				      check->release->title);
		return;
	}
	CLEANUP(free_cleanup)
	char *kind = str_format("%.*s", (int)strcspn(hash + 1, "$"), hash + 1);
	CLEANUP(free_cleanup) char *word = str_format(" %s ", kind);
	if (!strstr(kinds, word))
		answers_wrong(check, "root_password_hash",
			      "found a hash of kind %s; allowed with %s is one of the kinds %s "
			      "(crypt(5); openssl passwd -6 makes kind 6)",
			      kind, check->release->title, check->release->hashes);
}

static bool is_utf8(const char *locale)
{
	return str_equal(locale, "C") || str_equal(locale, "POSIX") || strstr(locale, ".UTF-8") ||
	       strstr(locale, ".utf8");
}

static void check_language(const struct answers_check *check)
{
	const struct layer *layer = check->layer;

	if (check->format->keyboard && !check->format->keyboard(layer->keymap))
		answers_wrong(check, "keymap",
			      "found \"%s\", for which %s has no name that is known here; "
			      "docs/installers.md lists those that are allowed",
			      layer->keymap, check->release->title);
	if (!is_utf8(layer->locale))
		answers_wrong(check, "locale",
			      "found \"%s\"; allowed for a layer that an installer makes is one "
			      "that ends in .UTF-8",
			      layer->locale);
}

static void check_loader(const struct answers_check *check)
{
	const struct layer *layer = check->layer;
	const struct answers_release *release = check->release;
	const char *loader = boot_loader_name(layer->boot_loader);
	bool uefi = layer->boot_loader == BOOT_GRUB2_EFI;
	bool legacy = layer->boot_loader == BOOT_GRUB_LEGACY;
	bool bios = layer->boot_loader == BOOT_GRUB2_BIOS;

	if (!check->format->partitions)
		return; /* the installer's own, as limits[] says */
	if (release->legacy ? !legacy : !bios && !(uefi && release->uefi))
		answers_wrong(check, "boot.loader", "found \"%s\"; allowed with %s is %s", loader,
			      release->title,
			      release->legacy ? "grub-legacy"
			      : release->uefi ? "grub2-bios or grub2-efi"
					      : "grub2-bios");
	else if (uefi != (layer->disk.table == TABLE_GPT))
		answers_wrong(check, "disk.table",
			      "found \"%s\"; allowed for a layer that an installer makes is %s "
			      "with %s",
			      table_kind_name(layer->disk.table), uefi ? "gpt" : "mbr", loader);
}

static void check_partitions(const struct answers_check *check)
{
	const struct disk_spec *disk = &check->layer->disk;

	for (size_t i = 0; i < disk->partition_count; i++)
		if (disk->partitions[i].size_bytes != PARTITION_REST &&
		    disk->partitions[i].size_bytes % MIB != 0)
			diagnostic_add(check->diagnostics, &disk->partitions[i].mark,
				       "disk.partitions[%zu].size: found a part of a MiB; allowed "
				       "for a layer that an installer makes are whole MiB",
				       i + 1);
}

void answers_need_mounts(const struct answers_check *check)
{
	const struct disk_spec *disk = &check->layer->disk;

	for (size_t i = 0; i < disk->partition_count; i++)
		if (disk->partitions[i].filesystem != FILESYSTEM_SWAP &&
		    !*disk->partitions[i].mount_point)
			diagnostic_add(check->diagnostics, &disk->partitions[i].mark,
				       "disk.partitions[%zu].mount: found nothing; allowed with %s "
				       "is a mount point",
				       i + 1, check->release->title);
}

void answers_check_layer(const struct layer *layer, const struct answers_format *format,
			 struct diagnostics *diagnostics)
{
	struct answers_check check = { .layer = layer,
				       .format = format,
				       .diagnostics = diagnostics };

	check.release = release_find(&check);
	if (!check.release)
		return;
	check_limits(&check, common_limits);
	check_limits(&check, format->limits);
	check_role(&check);
	check_groups(&check);
	check_password(&check);
	check_language(&check);
	check_loader(&check);
	if (format->partitions)
		check_partitions(&check);
	if (format->check)
		format->check(&check);
}

int answers_begin(const struct answers_format *format, const struct layer *layer,
		  const struct answers_release **ret_release, struct err *err)
{
	CLEANUP(diagnostics_cleanup) struct diagnostics *diagnostics = diagnostics_new();
	struct answers_check check = { .layer = layer,
				       .format = format,
				       .diagnostics = diagnostics };

	answers_check_layer(layer, format, diagnostics);
	int r = diagnostics_result(diagnostics, layer->mark.file, err);
	if (r == 0)
		*ret_release = release_find(&check);
	return r;
}
