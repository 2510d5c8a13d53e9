/* A machine of way answers as files: its answer file below its token, its medium once for all
 * machines that have the same.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "pxe/render_internal.h"

#define DEPTH_MAX 32

/* ---- the medium ---- */

struct copy {
	const struct vendor *vendor;
	const struct lab_machine *machine;
	const char *from, *to; /* folders */
};

/* As the server opens it: nothing outside of the medium, whatever a link in it says. */
static int file_copy(const struct copy *copy, const char *name, struct err *err)
{
	CLEANUP(free_cleanup) char *public = str_format("%s/%s", copy->machine->name, name);
	CLEANUP(free_cleanup) char *path = path_join(copy->to, name);
	CLEANUP(err_clear) struct err ignored = { 0 };
	CLEANUP(fd_cleanup) int from = vendor_file(copy->vendor, public, &ignored);
	CLEANUP(temp_done) struct temp to = TEMP_INIT;

	if (from < 0)
		return from == -ENOENT ? 0 : err_set(err, from, "%s", ignored.text);
	int r = temp_open(&to, path, 0644, err);
	if (r == 0)
		r = file_copy_sparse(from, to.fd, err);
	return r < 0 ? r : temp_publish(&to, err);
}

static int folder_copy(const struct copy *copy, const char *name, unsigned depth, struct err *err);

static int entry_copy(const struct copy *copy, int folder, const char *name, unsigned depth,
		      struct err *err)
{
	struct stat status;

	if (fstatat(folder, path_name(name), &status, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, errno, "%s/%s: cannot be examined", copy->from, name);
	if (S_ISDIR(status.st_mode))
		return folder_copy(copy, name, depth + 1, err);
	if (S_ISREG(status.st_mode) || S_ISLNK(status.st_mode))
		return file_copy(copy, name, err);
	return 0;
}

/* name "": the medium itself. */
static int folder_copy(const struct copy *copy, const char *name, unsigned depth, struct err *err)
{
	CLEANUP(free_cleanup) char *from = path_join(copy->from, name);
	CLEANUP(free_cleanup) char *to = path_join(copy->to, name);
	const struct dirent *entry;
	int r = depth > DEPTH_MAX ? err_set(err, -ELOOP, "%s: lies too deep", from)
				  : dir_make(to, 0755, err);

	if (r < 0)
		return r;
	DIR *stream = opendir(from);
	if (!stream)
		return err_errno(err, errno, "%s: cannot be read", from);
	while (r == 0 && (entry = readdir(stream))) {
		CLEANUP(free_cleanup)
		char *inner = str_format("%s%s%s", name, *name ? "/" : "", entry->d_name);

		if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
			r = entry_copy(copy, dirfd(stream), inner, depth, err);
	}
	closedir(stream);
	return r;
}

static const struct lab_machine *medium_owner(const struct render *render,
					      const struct lab_machine *machine)
{
	const char *root = vendor_root(render->vendor, machine);

	for (const struct lab_machine *other = render->lab->machines; other < machine; other++)
		if (other->boot == LAB_BOOT_INSTALL &&
		    str_equal(vendor_root(render->vendor, other), root))
			return other;
	return machine;
}

static int medium_write(const struct render *render, const struct lab_machine *machine,
			struct err *err)
{
	const struct lab_machine *owner = medium_owner(render, machine);
	CLEANUP(free_cleanup) char *media = render_path(render, "http/media");
	CLEANUP(free_cleanup) char *to = path_join(media, machine->name);
	const struct copy copy = { render->vendor, machine, vendor_root(render->vendor, machine),
				   to };
	int r = dir_make(media, 0755, err);

	if (r < 0)
		return r;
	if (owner != machine)
		return symlink(owner->name, to) < 0
			       ? err_errno(err, errno, "%s: cannot be linked", to)
			       : 0;
	r = folder_copy(&copy, "", 0, err);
	/* What of these the machine has: ESXi alone. */
	if (r == 0)
		r = file_copy(&copy, VENDOR_ESXI_BIOS_CONFIG, err);
	return r < 0 ? r : file_copy(&copy, VENDOR_ESXI_UEFI_CONFIG, err);
}

/* ---- answers and boot texts ---- */

/* The agent finds no server: its token is nobody's. */
static int answers_write(const struct render *render, const struct lab_machine *machine,
			 const char *token, struct err *err)
{
	char agent_token[TOKEN_LENGTH + 1];
	const char *file;
	int r = 0;

	token_make(agent_token);
	for (size_t i = 0; r == 0 && (file = vendor_answer_name(render->vendor, machine, i)); i++) {
		CLEANUP(free_cleanup) char *name = str_format("answers/%s/%s", token, file);
		CLEANUP(free_cleanup) char *text = NULL;

		r = vendor_answer(render->vendor, machine, file, token, agent_token, &text, err);
		if (r == 0)
			r = render_file(render, name, text, 0600, err);
	}
	return r;
}

int render_vendor(const struct render *render, const struct lab_machine *machine, struct err *err)
{
	CLEANUP(vendor_boot_done) struct vendor_boot bios = { 0 };
	CLEANUP(vendor_boot_done) struct vendor_boot uefi = { 0 };
	char token[TOKEN_LENGTH + 1];

	token_make(token);
	vendor_boot(render->vendor, machine, FIRMWARE_BIOS, token, &bios);
	vendor_boot(render->vendor, machine, FIRMWARE_UEFI, token, &uefi);
	int r = medium_write(render, machine, err);
	if (r == 0)
		r = answers_write(render, machine, token, err);
	return r < 0 ? r : render_boot(render, machine, &bios.files, &uefi.files, err);
}
