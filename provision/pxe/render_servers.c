/* Configuration of the servers that a rendered tree is for, and the words that go with it. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/data.h"
#include "base/fs.h"
#include "pxe/boot_programs.h"
#include "pxe/boot_text.h"
#include "pxe/dhcp.h"
#include "pxe/render_internal.h"

/* ---- boot programs, and whom they ask ---- */

/* Of machines without a text of their own. */
static int local_write(const struct render *render, enum boot_language language,
		       enum firmware firmware, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(free_cleanup)
	char *name =
		str_format("http/boot/local-%s.%s", firmware == FIRMWARE_UEFI ? "uefi" : "bios",
			   language == BOOT_IPXE ? "ipxe" : "grub");
	const struct boot_files first_disk = { .disk_uuid = "" };
	int r = boot_text(language, render->server, firmware, &first_disk, &text, err);

	return r < 0 ? r : render_file(render, name, text, 0644, err);
}

static int locals_write(const struct render *render, struct err *err)
{
	int r = 0;

	for (int language = BOOT_IPXE; r == 0 && language <= BOOT_GRUB; language++)
		for (int firmware = FIRMWARE_BIOS; r == 0 && firmware <= FIRMWARE_UEFI; firmware++)
			r = local_write(render, (enum boot_language)language,
					(enum firmware)firmware, err);
	return r;
}

static int rendered(const struct render *render, const char *template,
		    const struct template_value *values, const char *name, mode_t mode,
		    struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	int r = template_render(template, values, &text, err);

	return r < 0 ? r : render_file(render, name, text, mode, err);
}

static int boot_programs(const struct render *render, struct err *err)
{
	const struct dhcp_request request = { .lab = render->lab,
					      .address = render->lab->address,
					      .folder = render->folder };
	const struct template_value values[] = { { "SERVER", render->server }, { NULL, NULL } };
	CLEANUP(free_cleanup) char *uefi = render_path(render, "tftp/" BOOT_PROGRAM_UEFI);
	CLEANUP(free_cleanup) char *http = render_path(render, "http/boot/" BOOT_PROGRAM_UEFI);
	int r = dhcp_files(&request, err);

	if (r == 0)
		r = rendered(render, "pxe/render/ipxe", values, "http/boot/ipxe", 0644, err);
	if (r == 0)
		r = rendered(render, "pxe/render/grub", values, "http/boot/grub", 0644, err);
	if (r == 0)
		r = locals_write(render, err);
	return r < 0 ? r : file_copy_new(uefi, http, 0644, err);
}

/* ---- dnsmasq ---- */

static int dnsmasq_write(const struct render *render, struct err *err)
{
	const struct dhcp_request request = { .lab = render->lab,
					      .address = render->lab->address,
					      .folder = render->folder };
	CLEANUP(free_cleanup) char *text = NULL;
	int r = dhcp_config(&request, &text, err);

	return r < 0 ? r : render_file(render, "dnsmasq.conf", text, 0644, err);
}

/* ---- ISC dhcpd ---- */

/* "4c4c4544-0047-..." as option 97 has it: a zero and 16 bytes, of which the first three numbers
 * are little-endian (RFC 4578, SMBIOS 2.6), but not for every firmware. */
static void uuid_subclass(const char *uuid, bool swapped, struct buf *text)
{
	static const unsigned order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	char digits[33];
	size_t count = 0;

	for (const char *c = uuid; *c && count < 32; c++)
		if (isxdigit((unsigned char)*c))
			digits[count++] = *c;
	digits[count] = '\0';
	buf_text(text, "subclass \"nestctl-uuid\" 00");
	for (unsigned i = 0; i < 16; i++)
		buf_format(text, ":%.2s", digits + 2 * (swapped ? order[i] : i));
	buf_text(text, ";\n");
}

static int dhcpd_write(const struct render *render, struct err *err)
{
	const struct lab *lab = render->lab;
	CLEANUP(buf_done) struct buf macs = { 0 };
	CLEANUP(buf_done) struct buf uuids = { 0 };
	CLEANUP(free_cleanup) char *boot = NULL;
	const struct template_value of_boot[] = { { "ADDRESS", lab->address },
						  { "SERVER", render->server },
						  { "BIOS", BOOT_PROGRAM_BIOS },
						  { "UEFI", BOOT_PROGRAM_UEFI },
						  { NULL, NULL } };

	for (size_t i = 0; i < lab->machine_count; i++) {
		const struct lab_machine *machine = &lab->machines[i];

		if (*machine->mac) {
			buf_format(&macs, "subclass \"nestctl-mac\" 1:%s; # %s\n", machine->mac,
				   machine->name);
			continue;
		}
		buf_format(&uuids, "# %s\n", machine->name);
		uuid_subclass(machine->uuid, true, &uuids);
		uuid_subclass(machine->uuid, false, &uuids);
	}
	int r = template_render("pxe/render/dhcpd-boot", of_boot, &boot, err);
	if (r < 0)
		return r;
	const struct template_value values[] = { { "LAB", lab->name },
						 { "BOOT", boot },
						 { "MACS", buf_str(&macs) },
						 { "UUIDS", buf_str(&uuids) },
						 { NULL, NULL } };
	return rendered(render, "pxe/render/dhcpd.conf", values, "dhcpd.conf", 0644, err);
}

/* ---- nginx ---- */

struct port_texts {
	char boot[16], secure[16], answers[16];
};

static struct port_texts port_texts(const struct lab_ports *ports)
{
	struct port_texts texts;

	snprintf(texts.boot, sizeof texts.boot, "%u", ports->boot);
	snprintf(texts.secure, sizeof texts.secure, "%u", ports->secure);
	snprintf(texts.answers, sizeof texts.answers, "%u", ports->answers);
	return texts;
}

/* Inside quotes nginx knows $, \ and ". */
static int folder_check(const char *folder, struct err *err)
{
	for (const char *c = folder; *c; c++)
		if (iscntrl((unsigned char)*c) || strchr("\"\\$", *c))
			return err_set(err, -EINVAL,
				       "%s: such a path cannot stand in nginx.conf: render into "
				       "another folder",
				       folder);
	return 0;
}

static int nginx_write(const struct render *render, struct err *err)
{
	const struct port_texts ports = port_texts(&render->lab->ports);
	const struct template_value values[] = {
		{ "ADDRESS", render->lab->address }, { "FOLDER", render->folder },
		{ "BOOT_PORT", ports.boot },	     { "SECURE_PORT", ports.secure },
		{ "ANSWERS_PORT", ports.answers },   { NULL, NULL }
	};
	int r = folder_check(render->folder, err);

	return r < 0 ? r
		     : rendered(render, "pxe/render/nginx.conf", values, "nginx.conf", 0644, err);
}

int render_servers(const struct render *render, struct err *err)
{
	int r = nginx_write(render, err);

	if (r == 0)
		r = dnsmasq_write(render, err);
	if (r == 0)
		r = dhcpd_write(render, err);
	return r < 0 ? r : boot_programs(render, err);
}

/* ---- the README ---- */

int render_readme(const struct render *render, struct err *err)
{
	const struct lab *lab = render->lab;
	const struct port_texts ports = port_texts(&lab->ports);
	CLEANUP(buf_done) struct buf machines = { 0 };

	for (size_t i = 0; i < lab->machine_count; i++) {
		const struct lab_machine *machine = &lab->machines[i];

		buf_format(&machines, "    %s  %s  %s\n", machine->name,
			   *machine->mac ? machine->mac : machine->uuid,
			   lab_boot_name(machine->boot));
	}
	const struct template_value values[] = { { "LAB", lab->name },
						 { "ADDRESS", lab->address },
						 { "SERVER", render->server },
						 { "SECURE_PORT", ports.secure },
						 { "ANSWERS_PORT", ports.answers },
						 { "MACHINES", buf_str(&machines) },
						 { NULL, NULL } };

	return rendered(render, "pxe/render/README", values, "README", 0644, err);
}
