/* The same boot texts, tickets and images that pxe serve hands out, each under the name that the
 * machine asks for: http/boot/MAC.ipxe, secure/TOKEN/ticket, secure/TOKEN/image.
 */
#include "pxe/render.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "pxe/boot_text.h"
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

/* ---- a machine ---- */

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
		      enum boot_language language, const struct boot_files *files, struct err *err)
{
	bool ipxe = language == BOOT_IPXE;
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(free_cleanup) char *name = boot_name(machine, ipxe);
	CLEANUP(free_cleanup) char *path = str_format("%s.%s", name, ipxe ? "ipxe" : "grub");
	int r = boot_text(language, render->server, FIRMWARE_UNKNOWN, files, &text, err);

	return r < 0 ? r : render_file(render, path, text, 0600, err);
}

/* mac: of the card that the netboot system takes; a machine that is known by UUID has but one. */
static int netboot_write(const struct render *render, const struct lab_machine *machine,
			 const char *arguments, struct err *err)
{
	CLEANUP(free_cleanup)
	char *all =
		str_format("%s%s%s", arguments, *machine->mac ? " nestctl.mac=" : "", machine->mac);
	const struct boot_files files = { .kernel = "/netboot/vmlinuz",
					  .initrd = "/netboot/initrd",
					  .arguments = all };
	int r = boot_write(render, machine, BOOT_IPXE, &files, err);

	return r < 0 ? r : boot_write(render, machine, BOOT_GRUB, &files, err);
}

static int ticket_write(const struct render *render, const struct lab_machine *machine,
			const char *token, const struct stream_facts *facts, struct err *err)
{
	const struct lab *lab = render->lab;
	CLEANUP(free_cleanup) char *name = str_format("secure/%s/ticket", token);
	CLEANUP(strv_done) struct strv mirrors = { 0 };

	for (size_t i = 0; i < lab->mirrors.count; i++)
		strv_format(&mirrors, "%s/%s/disk.zst", lab->mirrors.items[i], machine->name);
	const struct ticket ticket = {
		.machine = machine->name,
		.host_name = machine->name,
		.image = *facts,
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
	const struct stream_facts *facts = lab_image_facts(render->images, machine);
	char token[TOKEN_LENGTH + 1];

	if (!facts)
		return err_set(err, -ENOTSUP,
			       "machine %s: way answers cannot be rendered yet; "
			       "nestctl pxe serve installs it",
			       machine->name);
	token_make(token);
	CLEANUP(free_cleanup)
	char *arguments = str_format("nestctl.server=https://%s:%u nestctl.token=%s",
				     render->lab->address, render->lab->ports.secure, token);
	int r = ticket_write(render, machine, token, facts, err);
	if (r == 0)
		r = image_write(render, machine, token, err);
	return r < 0 ? r : netboot_write(render, machine, arguments, err);
}

/* Without a text of its own it boots from its disk. */
static int machine_write(const struct render *render, const struct lab_machine *machine,
			 struct err *err)
{
	switch (machine->boot) {
	case LAB_BOOT_INSTALL:
		return install_write(render, machine, err);
	case LAB_BOOT_RESCUE:
		return netboot_write(render, machine, "nestctl.rescue", err);
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
				       "rendered are mac and uuid: files cannot count who comes",
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

int pxe_render(const struct lab *lab, struct lab_images *images, const char *folder,
	       struct err *err)
{
	CLEANUP(free_cleanup) char *server = str_format("%s:%u", lab->address, lab->ports.boot);
	int r = pxe_render_check(lab, folder, err);

	/* Secrets in it are secret each by itself: servers find their way to the rest. */
	if (r == 0)
		r = dir_make(folder, 0755, err);
	if (r < 0)
		return r;
	CLEANUP(free_cleanup) char *absolute = realpath(folder, NULL);
	const struct render render = {
		.lab = lab,
		.images = images,
		.folder = absolute,
		.server = server,
	};
	r = absolute ? tree_write(&render, err)
		     : err_errno(err, errno, "%s: cannot be found", folder);
	if (r < 0)
		tree_remove(folder, NULL);
	return r;
}
