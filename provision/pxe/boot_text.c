/* iPXE has no quotes: it splits at blanks, and expands ${...} everywhere. GRUB has quotes, but
 * hands a kernel quotes and backslashes otherwise than it got them. So either gets words of plain
 * characters, and what is more than that is refused.
 *
 * Sources: ipxe.org/scripting, core/exec.c of iPXE; "The list of commands" and "Shell-like
 * scripting" of the GRUB 2.06 manual, lib/cmdline.c.
 */
#include "pxe/boot_text.h"

#include <errno.h>
#include <string.h>

#include "base/data.h"
#include "pxe/boot_programs.h"

/* A kernel prints its command line on every console, with the token. Its errors are still seen. */
#define HUSH "quiet"

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

static int check_server(const char *server, struct err *err)
{
	if (*server && strspn(server, UNRESERVED ":[]") == strlen(server))
		return 0;
	return err_set(err, -EINVAL, "\"%s\" is no address of a server (10.0.0.1:8080)", server);
}

/* A path that is the same as a URL and in either language. */
static int check_path(const char *path, struct err *err)
{
	if (path[0] == '/' && strspn(path, UNRESERVED "/+=@%,:") == strlen(path) &&
	    !strstr(path, "/../") && !str_ends(path, "/.."))
		return 0;
	return err_set(err, -EINVAL,
		       "\"%s\": a boot program cannot be told to fetch it (allowed are letters, "
		       "digits and - . _ ~ + = @ %% , : in its path)",
		       path);
}

/* Words that iPXE takes for its own. */
static bool is_ipxe_syntax(const char *word, size_t length)
{
	return word[0] == '#' || (length == 1 && word[0] == ';') ||
	       (length == 2 && (!strncmp(word, "||", 2) || !strncmp(word, "&&", 2)));
}

static const char *word_fault(const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (word[i] < ' ' || word[i] > '~' || strchr("\"'\\`", word[i]))
			return "cannot go through a boot program: a quote, a backslash, or no "
			       "printable ASCII";
		if (word[i] == '$' && word[i + 1] == '{')
			return "holds ${, which iPXE would replace";
	}
	return length > 0 && is_ipxe_syntax(word, length) ? "has a meaning of its own in iPXE"
							  : NULL;
}

/* Only the word at fault is told: others may hold a token. */
static int check_arguments(const char *arguments, struct err *err)
{
	for (const char *word = arguments; *word;) {
		size_t length = strcspn(word, " ");
		const char *fault = word_fault(word, length);

		if (fault)
			return err_set(err, -EINVAL, "the kernel argument %.*s %s", (int)length,
				       word, fault);
		word += length + strspn(word + length, " ");
	}
	return 0;
}

/* --- iPXE ------------------------------------------------------------------------------------- */

/* Under UEFI the kernel itself looks for the initrd, by the name in its arguments. */
static int ipxe_start(const char *server, const struct boot_files *files, char **ret_text,
		      struct err *err)
{
	CLEANUP(free_cleanup) char *initrd = NULL;
	CLEANUP(free_cleanup) char *kernel = NULL;

	initrd = files->initrd ? str_format("initrd --name initrd http://%s%s || goto later\n",
					    server, files->initrd)
			       : str_copy("");
	kernel = str_format("http://%s%s%s%s%s%s", server, files->kernel,
			    files->initrd ? " initrd=initrd" : "", files->program ? "" : " " HUSH,
			    *files->arguments ? " " : "", files->arguments);
	const struct template_value values[] = {
		{ "KERNEL", kernel }, { "INITRD", initrd }, { "SERVER", server }, { NULL, NULL }
	};
	return template_render("pxe/ipxe-start", values, ret_text, err);
}

/* --- GRUB ------------------------------------------------------------------------------------- */

/* Each word in single quotes, in which GRUB gives nothing a meaning. */
static void grub_words(struct buf *out, const char *arguments)
{
	for (const char *word = arguments + strspn(arguments, " "); *word;) {
		size_t length = strcspn(word, " ");

		buf_format(out, " '%.*s'", (int)length, word);
		word += length + strspn(word + length, " ");
	}
}

/* What comes after the kernel. */
static int grub_boot(const char *server, const char *initrd, char **ret_text, struct err *err)
{
	CLEANUP(free_cleanup) char *path = NULL;

	if (!initrd) {
		*ret_text = str_copy("\t\tboot\n");
		return 0;
	}
	path = str_format("'(http,%s)%s'", server, initrd);
	const struct template_value values[] = { { "INITRD", path }, { NULL, NULL } };
	return template_render("pxe/grub-initrd", values, ret_text, err);
}

static int grub_start(const char *server, const struct boot_files *files, char **ret_text,
		      struct err *err)
{
	CLEANUP(buf_done) struct buf kernel = { 0 };
	CLEANUP(free_cleanup) char *boot = NULL;

	if (files->program)
		return err_set(err, -ENOTSUP,
			       "GRUB cannot start %s: the machine's firmware must start iPXE",
			       files->kernel);
	buf_format(&kernel, "'(http,%s)%s' " HUSH, server, files->kernel);
	grub_words(&kernel, files->arguments);
	int r = grub_boot(server, files->initrd, &boot, err);
	if (r < 0)
		return r;
	const struct template_value values[] = { { "KERNEL", buf_str(&kernel) },
						 { "BOOT", boot },
						 { NULL, NULL } };
	return template_render("pxe/grub-start", values, ret_text, err);
}

/* --- the local disk ---------------------------------------------------------------------------
 */

/* The fallback's name first: it is what the image way and ESXi write; then what the vendors'
 * installers name in the firmware's variables, which GRUB cannot read. */
#define LOADERS                                                                                    \
	"/EFI/BOOT/BOOTX64.EFI /EFI/debian/shimx64.efi /EFI/debian/grubx64.efi "                   \
	"/EFI/sles/shim.efi /EFI/sles/grubx64.efi /EFI/opensuse/shim.efi "                         \
	"/EFI/opensuse/grubx64.efi /EFI/redhat/shimx64.efi /EFI/centos/shimx64.efi "               \
	"/EFI/almalinux/shimx64.efi /EFI/rocky/shimx64.efi /EFI/xenserver/grubx64.efi"

/* iPXE finds no file system: it leaves that to GRUB. */
static const char *local_template(enum boot_language language, enum firmware firmware,
				  const char *disk_uuid)
{
	bool uefi = firmware == FIRMWARE_UEFI;

	if (language == BOOT_GRUB)
		return uefi ? "pxe/grub-local-uefi" : "pxe/grub-local-bios";
	if (uefi)
		return "pxe/ipxe-local-uefi";
	return *disk_uuid ? "pxe/ipxe-local-bios-grub" : "pxe/ipxe-local-bios";
}

static int check_uuid(const char *uuid, struct err *err)
{
	if (strspn(uuid, "0123456789abcdefABCDEF-") == strlen(uuid))
		return 0;
	return err_set(err, -EINVAL, "\"%s\" is no UUID of a file system", uuid);
}

static int local_text(enum boot_language language, const char *server, enum firmware firmware,
		      const char *disk_uuid, char **ret_text, struct err *err)
{
	const struct template_value values[] = {
		{ "LOADERS", LOADERS },	       { "UUID", disk_uuid },	      { "SERVER", server },
		{ "BIOS", BOOT_PROGRAM_BIOS }, { "UEFI", BOOT_PROGRAM_UEFI }, { NULL, NULL }
	};
	int r = check_uuid(disk_uuid, err);

	return r < 0 ? r
		     : template_render(local_template(language, firmware, disk_uuid), values,
				       ret_text, err);
}

int boot_text(enum boot_language language, const char *server, enum firmware firmware,
	      const struct boot_files *files, char **ret_text, struct err *err)
{
	int r = check_server(server, err);

	if (r == 0 && !files->kernel)
		return local_text(language, server, firmware, files->disk_uuid, ret_text, err);
	if (r == 0)
		r = check_path(files->kernel, err);
	if (r == 0 && files->initrd)
		r = check_path(files->initrd, err);
	if (r == 0)
		r = check_arguments(files->arguments, err);
	if (r < 0)
		return r;
	return language == BOOT_IPXE ? ipxe_start(server, files, ret_text, err)
				     : grub_start(server, files, ret_text, err);
}

char *boot_text_say(enum boot_language language, const char *text, const char *line)
{
	size_t first = language == BOOT_IPXE ? strcspn(text, "\n") + 1 : 0; /* "#!ipxe" */

	return str_format("%.*secho nestctl: %s\nsleep 5\n%s", (int)first, text, line,
			  text + first);
}
