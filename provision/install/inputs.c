/* What goes into an installed disk: its key. */
#include "install/install.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "bootloader/bootloader.h"
#include "install/answer.h"
#include "media/known.h"
#include "media/medium.h"

/* Changes whenever the same input would be installed differently. */
#define INSTALL_FORMAT "1"

/* Of an unpacked medium, or a folder with a netboot installer: what is started of it. */
static int folder_hash(const char *folder, char ret_hex[HASH_HEX_LENGTH + 1], struct err *err)
{
	CLEANUP(medium_cleanup) struct medium *medium = NULL;
	char kernel_hex[HASH_HEX_LENGTH + 1], initrd_hex[HASH_HEX_LENGTH + 1];
	int r = medium_open(folder, &medium, err);

	if (r < 0)
		return r;
	CLEANUP(free_cleanup) char *kernel = path_join(folder, medium->kernel);
	CLEANUP(free_cleanup) char *initrd = path_join(folder, medium->initrd);
	r = hash_file(kernel, kernel_hex, err);
	if (r == 0)
		r = hash_file(initrd, initrd_hex, err);
	if (r < 0)
		return r;
	struct hash *hash = hash_new();
	hash_field(hash, "product", medium->product);
	hash_field(hash, "kernel", kernel_hex);
	hash_field(hash, "initrd", initrd_hex);
	hash_finish_hex(hash, ret_hex);
	return 0;
}

int install_medium_hash(const struct layer *layer, const char *sums,
			char ret_hex[HASH_HEX_LENGTH + 1], struct err *err)
{
	const struct install_spec *install = &layer->install;
	struct stat status;

	if (*install->sha256) {
		snprintf(ret_hex, HASH_HEX_LENGTH + 1, "%s", install->sha256);
		return 0;
	}
	if (stat(install->medium, &status) < 0)
		return err_errno(err, errno, "%s", install->medium);
	if (S_ISDIR(status.st_mode))
		return folder_hash(install->medium, ret_hex, err);
	if (!S_ISREG(status.st_mode)) /* it may have no end */
		return err_set(err, -EBADMSG,
			       "install.medium: %s: is neither a file nor a folder: name an image "
			       "or a folder",
			       install->medium);
	return medium_sum(install->medium, sums, ret_hex, err);
}

/* What an installer writes down of the machine that it runs in: names of disks and interfaces. */
static void machine_input(const struct layer *layer, struct inputs *inputs)
{
	const struct machine_spec *machine = &layer->machine;
	CLEANUP(free_cleanup)
	char *text = str_format("%s %s %s %s", disk_bus_name(machine->disk_bus),
				nic_model_name(machine->nic), machine->mac,
				bootloader_of(layer->boot_loader)->uefi ? "uefi" : "bios");

	inputs_add(inputs, "machine", text);
	inputs_add_number(inputs, "further disks", (int64_t)layer->disk.extra.count);
}

int install_inputs(const char *stack_name, const struct layer *layer, const char *medium,
		   struct inputs *ret_inputs, struct err *err)
{
	const struct answers_format *format = NULL;
	CLEANUP(free_cleanup) char *answers = NULL;
	int r = answer_make(stack_name, layer, &format, &answers, err);

	if (r < 0)
		return r;
	inputs_add(ret_inputs, "format", INSTALL_FORMAT);
	inputs_add(ret_inputs, "medium", medium);
	inputs_add(ret_inputs, "installer", format->name);
	inputs_add_hash(ret_inputs, "answers", answers);
	inputs_add(ret_inputs, "arguments", layer->install.kernel_args);
	inputs_add_number(ret_inputs, "disk", (int64_t)layer->disk.size_bytes);
	machine_input(layer, ret_inputs);
	return 0;
}
