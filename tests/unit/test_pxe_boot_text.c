#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "pxe/boot_text.h"

#define SERVER "10.0.0.1:8080"
#define TOKEN  "iZ3_-abcdefghijklmnopqrstuvwxyz0123456789ABC"

static const struct boot_files netboot = {
	.kernel = "/netboot/vmlinuz",
	.initrd = "/netboot/initrd",
	.arguments = "panic=30 nestctl.server=10.0.0.1:8443 nestctl.token=" TOKEN,
};

static const struct boot_files first_disk = { .disk_uuid = "" };
static const struct boot_files own_disk = { .disk_uuid = "0123-ABCD" };

static char *text_of(enum boot_language language, enum firmware firmware,
		     const struct boot_files *files)
{
	struct err err = { 0 };
	char *text = NULL;

	if (boot_text(language, SERVER, firmware, files, &text, &err) < 0)
		fail_msg("%s", err.text);
	return text;
}

/* The text without comments. */
static void expect(enum boot_language language, enum firmware firmware,
		   const struct boot_files *files, const char *wanted)
{
	CLEANUP(free_cleanup) char *text = text_of(language, firmware, files);
	CLEANUP(buf_done) struct buf plain = { 0 };

	for (char *line = text; *line; line += strcspn(line, "\n") + 1)
		if (!str_starts(line, "# "))
			buf_add(&plain, line, strcspn(line, "\n") + 1);
	assert_string_equal(buf_str(&plain), wanted);
}

#define IPXE_BEGIN                                                                                 \
	"#!ipxe\n"                                                                                 \
	":begin\n"                                                                                 \
	"set tries:int32 0 ||\n"                                                                   \
	":again\n"                                                                                 \
	"imgfree\n"
#define IPXE_LATER                                                                                 \
	":later\n"                                                                                 \
	"echo nestctl: the server does not answer; again in ten seconds\n"                         \
	"sleep 10\n"                                                                               \
	"inc tries || goto again\n"                                                                \
	"iseq ${tries} 30 || goto again\n"                                                         \
	"imgfree\n"                                                                                \
	"chain --replace http://10.0.0.1:8080/boot/ipxe?mac=${netX/mac:hexhyp}&uuid=${uuid}&"      \
	"arch=${buildarch}&platform=${platform} ||\n"                                              \
	"goto begin\n"

static void ipxe_starts_what_is_installed(void **state)
{
	(void)state;
	expect(BOOT_IPXE, FIRMWARE_UEFI, &netboot,
	       IPXE_BEGIN "kernel http://10.0.0.1:8080/netboot/vmlinuz initrd=initrd quiet "
			  "panic=30 "
			  "nestctl.server=10.0.0.1:8443 nestctl.token=" TOKEN " || goto later\n"
			  "initrd --name initrd http://10.0.0.1:8080/netboot/initrd || goto later\n"
			  "boot || goto later\n" IPXE_LATER);
}

static void ipxe_starts_a_program_with_its_arguments(void **state)
{
	const struct boot_files esxi = { .kernel = "/media/e1/mboot.c32",
					 .arguments = "-c http://10.0.0.1:8080/media/e1/boot.cfg",
					 .program = true };
	struct err err = { 0 };
	char *text = NULL;

	(void)state;
	expect(BOOT_IPXE, FIRMWARE_BIOS, &esxi,
	       IPXE_BEGIN "kernel http://10.0.0.1:8080/media/e1/mboot.c32 "
			  "-c http://10.0.0.1:8080/media/e1/boot.cfg || goto later\n"
			  "boot || goto later\n" IPXE_LATER);
	assert_int_equal(boot_text(BOOT_GRUB, SERVER, FIRMWARE_UEFI, &esxi, &text, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "iPXE"));
	err_clear(&err);
}

static void grub_starts_what_is_installed(void **state)
{
	(void)state;
	expect(BOOT_GRUB, FIRMWARE_UEFI, &netboot,
	       "for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 "
	       "28 29 30; do\n"
	       "\tif linux '(http,10.0.0.1:8080)/netboot/vmlinuz' quiet 'panic=30' "
	       "'nestctl.server=10.0.0.1:8443' 'nestctl.token=" TOKEN "'; then\n"
	       "\t\tif initrd '(http,10.0.0.1:8080)/netboot/initrd'; then\n"
	       "\t\t\tboot\n"
	       "\t\tfi\n"
	       "\tfi\n"
	       "\techo \"nestctl: the server does not answer; again in ten seconds\"\n"
	       "\tsleep 10\n"
	       "done\n");
}

static void a_text_may_say_something_first(void **state)
{
	CLEANUP(free_cleanup) char *ipxe = text_of(BOOT_IPXE, FIRMWARE_BIOS, &first_disk);
	CLEANUP(free_cleanup) char *grub = text_of(BOOT_GRUB, FIRMWARE_BIOS, &first_disk);
	CLEANUP(free_cleanup) char *ipxe_said = boot_text_say(BOOT_IPXE, ipxe, "no rescue");
	CLEANUP(free_cleanup) char *grub_said = boot_text_say(BOOT_GRUB, grub, "no rescue");

	(void)state;
	assert_true(str_starts(ipxe_said, "#!ipxe\necho nestctl: no rescue\nsleep 5\n# "));
	assert_true(str_ends(ipxe_said, ipxe + strlen("#!ipxe\n")));
	assert_true(str_starts(grub_said, "echo nestctl: no rescue\nsleep 5\n# "));
	assert_true(str_ends(grub_said, grub));
}

#define GRUB_BIOS_LOCAL(uuid)                                                                      \
	"set root=hd0\n"                                                                           \
	"set own='" uuid "'\n"                                                                     \
	"if [ -n \"$own\" ]; then\n"                                                               \
	"\tif search --no-floppy --fs-uuid --set=found \"$own\"; then\n"                           \
	"\t\tregexp --set=1:root '^(hd[0-9]+)' \"$found\"\n"                                       \
	"\t\tif [ \"$root\" != hd0 ]; then\n"                                                      \
	"\t\t\tdrivemap -s hd0 \"$root\"\n"                                                        \
	"\t\tfi\n"                                                                                 \
	"\tfi\n"                                                                                   \
	"fi\n"                                                                                     \
	"if chainloader +1; then\n\tboot\nfi\nexit\n"

static void the_local_disk_is_started_as_its_firmware_can(void **state)
{
	(void)state;
	expect(BOOT_IPXE, FIRMWARE_BIOS, &first_disk,
	       "#!ipxe\nsanboot --no-describe --drive 0x80 || exit 1\n");
	expect(BOOT_IPXE, FIRMWARE_UNKNOWN, &first_disk,
	       "#!ipxe\nsanboot --no-describe --drive 0x80 || exit 1\n");
	expect(BOOT_IPXE, FIRMWARE_UEFI, &first_disk,
	       "#!ipxe\nchain http://10.0.0.1:8080/boot/grub-x86_64.efi ||\nexit 1\n");
	expect(BOOT_GRUB, FIRMWARE_BIOS, &first_disk, GRUB_BIOS_LOCAL(""));
	CLEANUP(free_cleanup) char *uefi = text_of(BOOT_GRUB, FIRMWARE_UEFI, &first_disk);
	assert_non_null(strstr(uefi, "chainloader \"($disk)$loader\""));
}

static void the_disk_that_was_installed_is_found_among_others(void **state)
{
	(void)state;
	expect(BOOT_IPXE, FIRMWARE_BIOS, &own_disk,
	       "#!ipxe\nchain http://10.0.0.1:8080/boot/grub-i386.pxe ||\n"
	       "sanboot --no-describe --drive 0x80 || exit 1\n");
	expect(BOOT_IPXE, FIRMWARE_UEFI, &own_disk,
	       "#!ipxe\nchain http://10.0.0.1:8080/boot/grub-x86_64.efi ||\nexit 1\n");
	expect(BOOT_GRUB, FIRMWARE_BIOS, &own_disk, GRUB_BIOS_LOCAL("0123-ABCD"));
	CLEANUP(free_cleanup) char *uefi = text_of(BOOT_GRUB, FIRMWARE_UEFI, &own_disk);
	assert_non_null(strstr(uefi, "set own='0123-ABCD'\n"));
	assert_non_null(strstr(uefi, "search --no-floppy --fs-uuid --set=disk \"$own\""));
}

/* GRUB's own parser. */
static void grub_takes_its_commands(void **state)
{
	static const struct boot_files bare = { .kernel = "/k", .arguments = "" };
	const struct boot_files *const kinds[] = { &netboot, &bare, &first_disk, &own_disk };
	CLEANUP(free_cleanup) char *program = program_find("grub-script-check");
	CLEANUP(free_cleanup) char *folder = NULL;

	(void)state;
	if (!program)
		skip();
	assert_int_equal(temp_dir(NULL, &folder, NULL), 0);
	CLEANUP(free_cleanup) char *path = path_join(folder, "commands");
	for (size_t i = 0; i < 8; i++) {
		CLEANUP(free_cleanup)
		char *text =
			text_of(BOOT_GRUB, i & 1 ? FIRMWARE_UEFI : FIRMWARE_BIOS, kinds[i / 2]);
		const char *argv[] = { program, path, NULL };
		const struct spawn_options options = { .argv = argv, .purpose = "checking" };
		struct err err = { 0 };

		assert_int_equal(file_write(path, text, strlen(text), 0600, NULL), 0);
		if (spawn_run(&options, NULL, &err) < 0)
			fail_msg("%s\n%s", err.text, text);
	}
	tree_remove(folder, NULL);
}

static void refused_files(const char *server, const struct boot_files *files, const char *why)
{
	for (int language = BOOT_IPXE; language <= BOOT_GRUB; language++) {
		struct err err = { 0 };
		char *text = NULL;

		assert_int_equal(boot_text((enum boot_language)language, server, FIRMWARE_BIOS,
					   files, &text, &err),
				 -EINVAL);
		if (!strstr(err.text, why))
			fail_msg("%s", err.text);
		err_clear(&err);
	}
}

static void refused(const char *server, const char *kernel, const char *initrd,
		    const char *arguments, const char *why)
{
	const struct boot_files files = { .kernel = kernel,
					  .initrd = initrd,
					  .arguments = arguments };

	refused_files(server, &files, why);
}

static void what_breaks_out_is_refused(void **state)
{
	static const char *const arguments[] = { "a\nshell",	  "a 'b", "a \"b\"", "a\\b",
						 "a ${net0/mac}", "a `b", "a\x7f",   "ü" };
	static const char *const words[] = { "a || shell", "a && b", "a ; b", "#a", "a  #b", ";" };
	static const char *const paths[] = {
		"netboot/vmlinuz", "/a b", "/a;b", "/a'b", "/../a", "/a/..", "/a$b", "/a?b", "/ü",
	};

	(void)state;
	for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
		refused(SERVER, "/k", "/i", arguments[i], "the kernel argument ");
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		refused(SERVER, "/k", "/i", words[i], "a meaning of its own");
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		refused(SERVER, paths[i], NULL, "", "cannot be told to fetch it");
		refused(SERVER, "/k", paths[i], "", "cannot be told to fetch it");
	}
	refused("", "/k", NULL, "", "no address");
	refused("a b", "/k", NULL, "", "no address");
	refused("a)/b", "/k", NULL, "", "no address");
	refused_files(SERVER, &(struct boot_files){ .disk_uuid = "'; reboot" }, "no UUID");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipxe_starts_what_is_installed),
		cmocka_unit_test(ipxe_starts_a_program_with_its_arguments),
		cmocka_unit_test(grub_starts_what_is_installed),
		cmocka_unit_test(a_text_may_say_something_first),
		cmocka_unit_test(the_local_disk_is_started_as_its_firmware_can),
		cmocka_unit_test(the_disk_that_was_installed_is_found_among_others),
		cmocka_unit_test(grub_takes_its_commands),
		cmocka_unit_test(what_breaks_out_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
