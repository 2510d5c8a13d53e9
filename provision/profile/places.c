/* Where a key means something, for the column place of keys_table.c. A layer that ought to be of
 * such a kind, and is none, is told so by the other checks; its keys are not wrong besides. */
#include "answers/answers.h"
#include "bootloader/bootloader.h"
#include "pattern/pattern.h"
#include "profile/keys.h"

/* What an appliance's installer knows of these keys is in the limits of its answer file: ESXi is no
 * host here, and yet it has a switch. */
static bool is_appliance(const struct layer *layer)
{
	return !answers_format_of(layer->os_family)->partitions;
}

static bool is_host(const struct layer *layer)
{
	return layer->role == ROLE_HOST || layer->pattern->role == ROLE_HOST || is_appliance(layer);
}

static bool has_system(const struct layer *layer)
{
	return layer->pattern->initramfs != INITRAMFS_AGENT;
}

static bool is_hvm(const struct layer *layer)
{
	return layer->machine.type == MACHINE_HVM || layer->role == ROLE_HOST;
}

static bool has_menu(const struct layer *layer)
{
	return bootloader_of(layer->boot_loader)->menu || is_appliance(layer) ||
	       (layer->boot_loader == BOOT_DIRECT && is_hvm(layer));
}

static bool has_disk(const struct layer *layer)
{
	return layer->disk.size_bytes > 0 || is_hvm(layer) || has_system(layer);
}

const struct key_place place_host = { { "role", "pattern", "os.family" },
				      is_host,
				      "in a layer of role host" };
const struct key_place place_system = { { "pattern" },
					has_system,
					"in a layer of another pattern than leaf" };
const struct key_place place_menu = { { "role", "os.family", "machine.type", "boot.loader" },
				      has_menu,
				      "with a boot.loader that has a menu (grub2-bios, grub2-efi, "
				      "grub-legacy)" };
const struct key_place place_disk = { { "role", "pattern", "machine.type", "disk.size" },
				      has_disk,
				      "in a layer with a disk.size" };
const struct key_place place_hvm = { { "role", "machine.type" },
				     is_hvm,
				     "in a machine of type hvm" };
