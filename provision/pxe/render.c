/* The same boot texts, tickets and images that pxe serve hands out, each under the name that the
 * machine asks for: http/boot/MAC.ipxe, secure/TOKEN/ticket, secure/TOKEN/image.
 */
#include "pxe/render.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "pxe/netboot.h"
#include "pxe/render_internal.h"
#include "pxe/ticket.h"
#include "pxe/web_tls.h"

/* ---- files ---- */

char *render_path(const struct render *render, const char *name)
{
	return path_join(render->folder, name);
}

int render_file(const struct render *render, const char *name, const char *text, mode_t mode,
		struct err *err)
{
	CLEANUP(free_cleanup) char *path = render_path(render, name);
	CLEANUP(free_cleanup) char *folder = path_folder(path);
	int r = dir_make(folder, mode & 0077 ? 0755 : 0700, err);

	return r < 0 ? r : file_write(path, text, strlen(text), mode, err);
}

/* ---- boot texts ---- */

/* What a machine's boot program asks for: its MAC as iPXE and as GRUB write it, or its UUID. */
static char *boot_name(const struct lab_machine *machine, bool ipxe)
{
	char *name = str_format("http/boot/%s", *machine->mac ? machine->mac : machine->uuid);

	for (char *c = name; ipxe && *c; c++)
		if (*c == ':')
			*c = '-';
	return name;
}

static int boot_write(const struct render *render, const struct lab_machine *machine,
		      enum boot_language language, enum firmware firmware,
		      const struct boot_files *files, struct err *err)
{
	bool ipxe = language == BOOT_IPXE;
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(free_cleanup) char *name = boot_name(machine, ipxe);
	CLEANUP(free_cleanup)
	char *path = str_format("%s-%s.%s", name, firmware == FIRMWARE_UEFI ? "uefi" : "bios",
				ipxe ? "ipxe" : "grub");
	int r = boot_text(language, render->server, firmware, files, &text, err);

	/* The machine starts from its disk then. */
	if (r == -ENOTSUP) {
		err_clear(err);
		return 0;
	}
	return r < 0 ? r : render_file(render, path, text, 0600, err);
}

int render_boot(const struct render *render, const struct lab_machine *machine,
		const struct boot_files *bios, const struct boot_files *uefi, struct err *err)
{
	int r = 0;

	for (int language = BOOT_IPXE; r == 0 && language <= BOOT_GRUB; language++) {
		r = boot_write(render, machine, (enum boot_language)language, FIRMWARE_BIOS, bios,
			       err);
		if (r == 0)
			r = boot_write(render, machine, (enum boot_language)language, FIRMWARE_UEFI,
				       uefi, err);
	}
	return r;
}

/* ---- a machine of way image ---- */

static int netboot_write(const struct render *render, const struct lab_machine *machine,
			 const char *token, struct err *err)
{
	CLEANUP(free_cleanup)
	char *server = str_format("https://%s:%u", render->lab->address, render->lab->ports.secure);
	CLEANUP(free_cleanup)
	char *arguments = lab_call_text(token ? server : NULL, token, machine->mac);
	const struct boot_files files = { .kernel = "/netboot/vmlinuz",
					  .initrd = "/netboot/initrd",
					  .arguments = arguments };

	return render_boot(render, machine, &files, &files, err);
}

static int ticket_write(const struct render *render, const struct lab_machine *machine,
			const char *token, struct err *err)
{
	const struct lab *lab = render->lab;
	CLEANUP(free_cleanup) char *name = str_format("secure/%s/ticket", token);
	CLEANUP(strv_done) struct strv mirrors = { 0 };

	for (size_t i = 0; i < lab->mirrors.count; i++)
		strv_format(&mirrors, "%s/%s/disk.zst", lab->mirrors.items[i], machine->name);
	const struct ticket ticket = {
		.machine = machine->name,
		.host_name = machine->name,
		.image = *lab_image_facts(render->images, machine),
		.boot_uuid = (char *)lab_image_boot_uuid(render->images, machine),
		.disk = machine->disk,
		.agent_server = (char[]){ "" },
		.mirrors = mirrors,
	};
	CLEANUP(free_cleanup) char *text = ticket_text(&ticket);
	return render_file(render, name, text, 0600, err);
}

static int image_write(const struct render *render, const struct lab_machine *machine,
		       const char *token, struct err *err)
{
	CLEANUP(free_cleanup) char *name = str_format("secure/%s/image", token);
	CLEANUP(free_cleanup) char *path = render_path(render, name);
	CLEANUP(fd_cleanup) int from = lab_image_open(render->images, machine, err);
	CLEANUP(temp_done) struct temp to = TEMP_INIT;

	if (from < 0)
		return from;
	int r = temp_open(&to, path, 0600, err);
	if (r == 0)
		r = file_copy_sparse(from, to.fd, err);
	return r < 0 ? r : temp_publish(&to, err);
}

static int install_write(const struct render *render, const struct lab_machine *machine,
			 struct err *err)
{
	char token[TOKEN_LENGTH + 1];

	token_make(token);
	int r = ticket_write(render, machine, token, err);
	if (r == 0)
		r = image_write(render, machine, token, err);
	return r < 0 ? r : netboot_write(render, machine, token, err);
}

/* Without a text of its own it boots from its disk. */
static int machine_write(const struct render *render, const struct lab_machine *machine,
			 struct err *err)
{
	switch (machine->boot) {
	case LAB_BOOT_INSTALL:
		return machine->way == LAB_IMAGE ? install_write(render, machine, err)
						 : render_vendor(render, machine, err);
	case LAB_BOOT_RESCUE:
		return netboot_write(render, machine, NULL, err);
	case LAB_BOOT_LOCAL:
		break;
	}
	return 0;
}

/* ---- the tree ---- */

static int netboot_render(const struct render *render, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = render_path(render, "http/netboot");
	CLEANUP(free_cleanup) char *keys = render_path(render, "tls");
	CLEANUP(web_tls_done) struct web_tls tls = { 0 };
	const char *tree = NULL;
	int r = dir_make(keys, 0700, err);

	if (r == 0)
		r = web_tls_open(keys, render->lab->name, render->lab->address, &tls, err);
	if (r == 0)
		r = lab_images_tree(render->images, &tree, err);
	if (r == 0 && tree)
		r = dir_make(folder, 0755, err);
	if (r == 0 && tree)
		r = netboot_make(tree, tls.ca, folder, err);
	return r;
}

/* Servers want their roots, also where nothing is in them. */
static int roots_make(const struct render *render, struct err *err)
{
	CLEANUP(free_cleanup) char *secure = render_path(render, "secure");
	CLEANUP(free_cleanup) char *answers = render_path(render, "answers");
	int r = dir_make(secure, 0700, err);

	return r < 0 ? r : dir_make(answers, 0700, err);
}

static int tree_write(const struct render *render, struct err *err)
{
	int r = roots_make(render, err);

	if (r == 0)
		r = render_servers(render, err);
	if (r == 0)
		r = netboot_render(render, err);
	for (size_t i = 0; r == 0 && i < render->lab->machine_count; i++)
		r = machine_write(render, &render->lab->machines[i], err);
	return r < 0 ? r : render_readme(render, err);
}

/* What only a server can do that knows who came. */
static int lab_check_files(const struct lab *lab, struct err *err)
{
	if (!*lab->address)
		return err_set(err, -EINVAL,
			       "%s:1:1: network.address: found nothing; allowed in a lab that is "
			       "rendered is the address of the server that its files will be on",
			       lab->path);
	for (size_t i = 0; i < lab->machine_count; i++)
		if (lab->machines[i].any)
			return err_set(err, -EINVAL,
				       "%s:%u:%u: any: found for %s; allowed in a lab that is "
				       "rendered are mac and uuid, a machine each: files cannot "
				       "count who comes (nestctl pxe serve can)",
				       lab->machines[i].mark.file, lab->machines[i].mark.line,
				       lab->machines[i].mark.column, lab->machines[i].name);
	return 0;
}

static int folder_look(const char *folder, struct err *err)
{
	DIR *stream = opendir(folder);
	size_t entries = 0;

	if (!stream && errno == ENOENT)
		return 0;
	if (!stream)
		return err_errno(err, errno, "%s: cannot be looked at", folder);
	while (readdir(stream))
		entries++;
	closedir(stream);
	return entries <= 2
		       ? 0
		       : err_set(err, -EEXIST,
				 "%s: holds something already: render into a new folder", folder);
}

int pxe_render_check(const struct lab *lab, const char *folder, struct err *err)
{
	int r = lab_check_files(lab, err);

	return r < 0 ? r : folder_look(folder, err);
}

/* Media are unpacked where pxe serve has them. */
static int media_open(const struct render_request *request, struct vendor_request *vendor,
		      struct render *render, struct err *err)
{
	*vendor = (struct vendor_request){ .lab = request->lab,
					   .address = request->lab->address,
					   .folder = path_join(lab_images_folder(request->images),
							       LAB_OWN_FOLDER),
					   .offline = request->offline };
	return vendor_open(vendor, &render->vendor, err);
}

static int folder_write(const struct render_request *request, struct err *err)
{
	CLEANUP(free_cleanup) char *absolute = realpath(request->folder, NULL);
	CLEANUP(free_cleanup)
	char *server = str_format("%s:%u", request->lab->address, request->lab->ports.boot);
	struct render render = {
		.lab = request->lab,
		.images = request->images,
		.folder = absolute,
		.server = server,
	};
	struct vendor_request vendor = { 0 };
	int r = absolute ? media_open(request, &vendor, &render, err)
			 : err_errno(err, errno, "%s: cannot be found", request->folder);

	if (r == 0)
		r = tree_write(&render, err);
	vendor_free(render.vendor);
	free((char *)vendor.folder);
	return r;
}

int pxe_render(const struct render_request *request, struct err *err)
{
	int r = pxe_render_check(request->lab, request->folder, err);

	if (r < 0)
		return r;
	/* Secrets in it are secret each by itself: servers find their way to the rest. */
	mode_t mask = umask(022);
	r = dir_make(request->folder, 0755, err);
	if (r == 0)
		r = folder_write(request, err);
	umask(mask);
	if (r < 0)
		tree_remove(request->folder, NULL);
	return r;
}
