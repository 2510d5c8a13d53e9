#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "answers/answers.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "media/boot_cfg.h"
#include "media/unpack.h"
#include "pxe/vendor.h"
#include "pxe/vendor_media.h"

#define TOKEN	    "0123456789abcdefghijklmnopqrstuvwxyzABCDE-_"
#define AGENT_TOKEN "_-EDCBAzyxwvutsrqponmlkjihgfedcba9876543210"

struct fixture {
	char *folder;
	struct stack *stack;
	struct lab_machine machine;
	struct lab lab;
	struct vendor_request request;
	struct vendor *vendor;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	*state = fixture;
	return temp_dir(NULL, &fixture->folder, NULL);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	vendor_free(fixture->vendor);
	stack_free(fixture->stack);
	tree_remove(fixture->folder, NULL);
	free(fixture->folder);
	free(fixture);
	return 0;
}

/* --- media ------------------------------------------------------------------------------------ */

static void put(const char *folder, const char *name, const char *text)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, name);
	CLEANUP(free_cleanup) char *above = path_folder(path);

	assert_int_equal(dir_make(above, 0755, NULL), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0644, NULL), 0);
}

static char *debian_folder(struct fixture *fixture)
{
	char *folder = path_join(fixture->folder, "debian");
	CLEANUP(free_cleanup) char *link = path_join(folder, "secret");
	CLEANUP(free_cleanup) char *inside = path_join(folder, "kernel");
	CLEANUP(free_cleanup) char *pipe_path = path_join(folder, "pipe");

	put(folder, "version.info", "Debian version:  12 (bookworm)\n");
	put(folder, "debian-installer/amd64/linux", "kernel\n");
	put(folder, "debian-installer/amd64/initrd.gz", "initrd\n");
	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(symlink("debian-installer/amd64/linux", inside), 0);
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	return folder;
}

/* As VMware writes them: capitals, line ends of DOS. */
static char *esxi_folder(struct fixture *fixture)
{
	static const char config[] = "bootstate=0\r\ntitle=Loading ESXi installer\r\nprefix=\r\n"
				     "kernel=/b.b00\r\nkernelopt=runweasel cdromBoot\r\n"
				     "modules=/jumpstrt.gz --- /k.b00\r\nbuild=7.0.3-0\r\n";
	char *folder = path_join(fixture->folder, "esxi");

	put(folder, "BOOT.CFG", config);
	put(folder, "EFI/BOOT/BOOT.CFG", config);
	put(folder, "EFI/BOOT/BOOTX64.EFI", "mboot for UEFI\n");
	put(folder, "MBOOT.C32", "mboot\n");
	put(folder, "B.B00", "kernel\n");
	put(folder, "JUMPSTRT.GZ", "module\n");
	put(folder, "K.B00", "module\n");
	return folder;
}

static char *redhat_folder(struct fixture *fixture)
{
	char *folder = path_join(fixture->folder, "redhat");

	put(folder, ".treeinfo",
	    "[general]\nfamily = Rocky Linux\nversion = 9.4\narch = x86_64\n\n"
	    "[images-x86_64]\ninitrd = images/pxeboot/initrd.img\n"
	    "kernel = images/pxeboot/vmlinuz\n");
	put(folder, "images/pxeboot/vmlinuz", "kernel\n");
	put(folder, "images/pxeboot/initrd.img", "initrd\n");
	return folder;
}

static char *suse_folder(struct fixture *fixture)
{
	char *folder = path_join(fixture->folder, "suse");

	put(folder, "media.1/products", "/ SLES15-SP6 15.6-0\n");
	put(folder, ".treeinfo", "[general]\nfamily = SUSE Linux Enterprise\nversion = 15.6\n");
	put(folder, "boot/x86_64/loader/linux", "kernel\n");
	put(folder, "boot/x86_64/loader/initrd", "initrd\n");
	return folder;
}

/* --- what the tests say ------------------------------------------------------------------------
 */

/* A lab of one machine r1 with a profile of tests/answers and a medium. */
static int try_open(struct fixture *fixture, const char *profile, const char *medium,
		    struct err *err)
{
	CLEANUP(free_cleanup)
	char *path = str_format("tests/answers/cases/%s/profile.yaml", profile);

	stack_free(take(&fixture->stack));
	vendor_free(take(&fixture->vendor));
	assert_int_equal(stack_load_for_answers(path, &fixture->stack, err), 0);
	struct layer *l1 = fixture->stack->layers[0];
	free(l1->install.medium);
	l1->install.medium = str_copy(medium);
	l1->install.sha256[0] = 0;
	fixture->machine = (struct lab_machine){ .name = "r1",
						 .mac = "",
						 .uuid = "",
						 .stack = fixture->stack,
						 .way = LAB_ANSWERS,
						 .disk = { .wipe = true } };
	fixture->lab = (struct lab){
		.name = "rack",
		.ports = { .boot = 8080, .secure = 8443, .answers = 8081, .agents = 8090 },
		.machines = &fixture->machine,
		.machine_count = 1,
	};
	fixture->request = (struct vendor_request){ .lab = &fixture->lab,
						    .address = "10.0.0.1",
						    .folder = fixture->folder };
	struct vendor_request request = fixture->request;
	int r = vendor_open(&request, &fixture->vendor, err);
	memset(&request, 0xff, sizeof request); /* it is kept as a copy */
	return r;
}

static void open_it(struct fixture *fixture, const char *profile, const char *medium)
{
	struct err err = { 0 };

	if (try_open(fixture, profile, medium, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_served(struct fixture *fixture, const char *path, const char *content)
{
	CLEANUP(fd_cleanup) int fd = vendor_file(fixture->vendor, path, NULL);
	char text[2048];

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(-fd));
	ssize_t got = fd_pread_all(fd, text, sizeof text - 1, 0);
	assert_true(got >= 0);
	text[got] = '\0';
	assert_string_equal(text, content);
}

static void assert_not_served(struct fixture *fixture, const char *path)
{
	int fd = vendor_file(fixture->vendor, path, NULL);

	if (fd != -ENOENT)
		fail_msg("%s: %d", path, fd);
}

static void assert_boot(struct fixture *fixture, enum firmware firmware, const char *kernel,
			const char *initrd, const char *arguments)
{
	CLEANUP(vendor_boot_done) struct vendor_boot boot = { 0 };

	vendor_boot(fixture->vendor, &fixture->machine, firmware, TOKEN, &boot);
	assert_string_equal(boot.files.kernel, kernel);
	assert_true(str_equal(boot.files.initrd, initrd));
	assert_string_equal(boot.files.arguments, arguments);
}

/* --- files -------------------------------------------------------------------------------------
 */

static void a_folder_is_served_and_nothing_around_it(void **state)
{
	static const char *const others[] = {
		"r1",
		"r1/",
		"r1/none",
		"r2/version.info",
		"r1/../esxi",
		"r1/secret",
		"r1/pipe",
		"r1/debian-installer",
		"r1//etc/passwd",
		"r1/.",
		"r1/..",
		"/version.info",
		"",
		"r/version.info",
		"r1x/version.info",
		"r1/kernel/x",
		"r1/VERSION.INFO",
		"r1/./../debian",
		"r1/debian-installer/../../esxi/BOOT.CFG",
	};
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *medium = debian_folder(fixture);

	free(esxi_folder(fixture)); /* beside it */
	open_it(fixture, "bookworm", medium);
	assert_served(fixture, "r1/debian-installer/amd64/linux", "kernel\n");
	assert_served(fixture, "r1/kernel", "kernel\n");
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_not_served(fixture, others[i]);
	CLEANUP(free_cleanup) char *longer = mem_alloc(5000);
	memset(longer, 'a', 4999);
	memcpy(longer, "r1/", 3);
	assert_not_served(fixture, longer);
	assert_boot(fixture, FIRMWARE_BIOS, "/media/r1/debian-installer/amd64/linux",
		    "/media/r1/debian-installer/amd64/initrd.gz",
		    "auto=true priority=critical interface=auto net.ifnames=0 "
		    "netcfg/get_nameservers= netcfg/no_default_route=true hostname=xenhost "
		    "url=http://10.0.0.1:8081/" TOKEN "/preseed.cfg");
}

/* An archive is unpacked once; what a killed server left half-made is made anew. */
static void an_archive_is_unpacked_once(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *medium = debian_folder(fixture);
	CLEANUP(free_cleanup) char *archive = path_join(fixture->folder, "netboot.tar.gz");
	CLEANUP(free_cleanup) char *media = path_join(fixture->folder, "media");
	const char *argv[] = { "tar", "-C", medium, "-czf", archive, ".", NULL };
	struct stat before, after;

	assert_int_equal(
		spawn_run(&(struct spawn_options){ .argv = argv, .purpose = "tar" }, NULL, NULL),
		0);
	open_it(fixture, "bookworm", archive);
	assert_served(fixture, "r1/debian-installer/amd64/linux", "kernel\n");
	assert_served(fixture, "r1/kernel", "kernel\n");
	assert_not_served(fixture, "r1/secret");
	assert_not_served(fixture, "r1/pipe");
	assert_int_equal(stat(media, &before), 0);
	assert_int_equal(before.st_nlink, 3);
	open_it(fixture, "bookworm", archive);
	assert_int_equal(stat(media, &after), 0);
	assert_int_equal(memcmp(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim), 0);
	/* Another file of that name is another medium. */
	assert_int_equal(unlink(archive), 0);
	put(medium, "debian-installer/amd64/linux", "another\n");
	assert_int_equal(
		spawn_run(&(struct spawn_options){ .argv = argv, .purpose = "tar" }, NULL, NULL),
		0);
	open_it(fixture, "bookworm", archive);
	assert_served(fixture, "r1/debian-installer/amd64/linux", "another\n");
}

struct hostile_entry {
	const char *name, *link;
	mode_t type; /* 0: a hard link */
};

static void archive_make(const char *path, const struct hostile_entry *entries, size_t count)
{
	struct archive *archive = archive_write_new();

	archive_write_set_format_pax_restricted(archive);
	assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
	for (size_t i = 0; i < count; i++) {
		struct archive_entry *entry = archive_entry_new();
		bool file = entries[i].type == AE_IFREG;

		archive_entry_set_pathname(entry, entries[i].name);
		archive_entry_set_perm(entry, 04777);
		archive_entry_set_size(entry, file ? 5 : 0);
		if (entries[i].type)
			archive_entry_set_filetype(entry, entries[i].type);
		if (entries[i].type == AE_IFLNK)
			archive_entry_set_symlink(entry, entries[i].link);
		else if (entries[i].link)
			archive_entry_set_hardlink(entry, entries[i].link);
		assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
		if (file)
			archive_write_data(archive, "owned", 5);
		archive_entry_free(entry);
	}
	archive_write_free(archive);
}

static int unpack_entries(struct fixture *fixture, const struct hostile_entry *entries,
			  size_t count, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(fixture->folder, "hostile.tar");
	CLEANUP(free_cleanup) char *to = path_join(fixture->folder, "to");
	CLEANUP(contents_cleanup) struct contents *contents = NULL;

	archive_make(path, entries, count);
	assert_int_equal(tree_remove(to, NULL), 0);
	assert_int_equal(contents_open(path, &contents, err), 0);
	return medium_unpack(contents, to, err);
}

static void hostile_archives_stay_inside(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *outside = path_join(fixture->folder, "outside");
	CLEANUP(free_cleanup) char *target = path_join(outside, "file");
	const struct hostile_entry cases[][2] = {
		{ { "../outside/file", NULL, AE_IFREG }, { "a", NULL, AE_IFREG } },
		{ { "a/../../outside/file", NULL, AE_IFREG }, { "a", NULL, AE_IFREG } },
		{ { "link", outside, AE_IFLNK }, { "link/file", NULL, AE_IFREG } },
		{ { "link", "../outside", AE_IFLNK }, { "link/file", NULL, AE_IFREG } },
		{ { "hard", "../outside/kept", 0 }, { "a", NULL, AE_IFREG } },
	};
	CLEANUP(free_cleanup) char *kept = path_join(outside, "kept");

	put(outside, "kept", "kept");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = { 0 };

		assert_int_equal(unpack_entries(fixture, cases[i], 2, &err), -EBADMSG);
		assert_non_null(strstr(err.text, "hostile.tar"));
		assert_false(path_exists(target));
		err_clear(&err);
	}
	struct stat status;
	assert_int_equal(stat(kept, &status), 0);
	assert_int_equal(status.st_nlink, 1);
}

static void odd_entries_are_tamed(void **state)
{
	const struct hostile_entry entries[] = {
		{ "/etc/absolute", NULL, AE_IFREG }, { "etc", NULL, AE_IFDIR },
		{ "pipe", NULL, AE_IFIFO },	     { "tty", NULL, AE_IFCHR },
		{ "suid", NULL, AE_IFREG },
	};
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *to = path_join(fixture->folder, "to");
	CLEANUP(free_cleanup) char *suid = path_join(to, "suid");
	CLEANUP(free_cleanup) char *pipe_path = path_join(to, "pipe");
	CLEANUP(free_cleanup) char *tty = path_join(to, "tty");
	struct stat status;
	struct err err = { 0 };

	if (unpack_entries(fixture, entries + 1, 4, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(stat(suid, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	assert_false(path_exists(pipe_path));
	assert_false(path_exists(tty));
	assert_false(path_exists("/etc/absolute"));
}

/* --- families ----------------------------------------------------------------------------------
 */

static void red_hat_and_suse_get_their_repository(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *redhat = redhat_folder(fixture);
	CLEANUP(free_cleanup) char *suse = suse_folder(fixture);

	open_it(fixture, "rocky9", redhat);
	assert_boot(fixture, FIRMWARE_UEFI, "/media/r1/images/pxeboot/vmlinuz",
		    "/media/r1/images/pxeboot/initrd.img",
		    "inst.ks=http://10.0.0.1:8081/" TOKEN "/ks.cfg "
		    "inst.repo=http://10.0.0.1:8080/media/r1 inst.text net.ifnames=0");
	assert_served(fixture, "r1/images/pxeboot/vmlinuz", "kernel\n");
	open_it(fixture, "sles15", suse);
	assert_boot(fixture, FIRMWARE_BIOS, "/media/r1/boot/x86_64/loader/linux",
		    "/media/r1/boot/x86_64/loader/initrd",
		    "autoyast=http://10.0.0.1:8081/" TOKEN "/autoinst.xml "
		    "install=http://10.0.0.1:8080/media/r1 textmode=1 net.ifnames=0");
}

static void esxi_gets_a_configuration_with_urls(void **state)
{
	static const char config[] = "bootstate=0\r\ntitle=Loading ESXi installer\r\n"
				     "prefix=http://10.0.0.1:8080/media/r1\r\n"
				     "kernel=B.B00\r\nkernelopt=runweasel\r\n"
				     "modules=JUMPSTRT.GZ --- K.B00\r\nbuild=7.0.3-0\r\n";
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *medium = esxi_folder(fixture);

	open_it(fixture, "esxi7", medium);
	assert_boot(fixture, FIRMWARE_BIOS, "/media/r1/MBOOT.C32", NULL,
		    "-c http://10.0.0.1:8080/media/r1/nestctl-boot.cfg "
		    "ks=http://10.0.0.1:8081/" TOKEN "/KS.CFG");
	assert_boot(fixture, FIRMWARE_UEFI, "/media/r1/EFI/BOOT/BOOTX64.EFI", NULL,
		    "-c http://10.0.0.1:8080/media/r1/nestctl-boot-uefi.cfg "
		    "ks=http://10.0.0.1:8081/" TOKEN "/KS.CFG");
	assert_served(fixture, "r1/nestctl-boot.cfg", config);
	assert_served(fixture, "r1/nestctl-boot-uefi.cfg", config);
	assert_served(fixture, "r1/K.B00", "module\n");
	assert_served(fixture, "r1/k.b00", "module\n");
	assert_served(fixture, "r1/efi/boot/bootx64.efi", "mboot for UEFI\n");
	assert_not_served(fixture, "r1/../debian");
	assert_not_served(fixture, "r1/efi/../../esxi/k.b00");
	CLEANUP(free_cleanup) char *module = path_join(medium, "K.B00");
	assert_int_equal(unlink(module), 0);
	struct err err = { 0 };
	assert_int_equal(try_open(fixture, "esxi7", medium, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "k.b00"));
	err_clear(&err);
}

/* xorriso's options for an image of a folder; false if it is not installed. */
static bool image_make(const char *folder, const char *image, bool plain)
{
	CLEANUP(free_cleanup) char *program = program_find("xorriso");
	const char *const as_vmware[] = { program,	 "-no_rc",	"-report_about",
					  "WARNING",	 "-rockridge",	"off",
					  "-compliance", "no_emul_toc", "-outdev",
					  image,	 "-volid",	"ESXI",
					  "-map",	 folder,	"/",
					  "-commit",	 NULL };
	const char *const as_others[] = { program, "-no_rc", "-as", "mkisofs", "-quiet", "-r",
					  "-V",	   "MEDIUM", "-o",  image,     folder,	 NULL };
	struct err err = { 0 };

	if (!program)
		return false;
	if (spawn_run(&(struct spawn_options){ .argv = plain ? as_vmware : as_others,
					       .purpose = "making an image" },
		      NULL, &err) < 0)
		fail_msg("%s", err.text);
	return true;
}

static void images_are_unpacked(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *redhat = redhat_folder(fixture);
	CLEANUP(free_cleanup) char *esxi = esxi_folder(fixture);
	CLEANUP(free_cleanup) char *image = path_join(fixture->folder, "medium.iso");
	CLEANUP(free_cleanup) char *plain = path_join(fixture->folder, "esxi.iso");
	CLEANUP(free_cleanup) char *kernel = path_join(redhat, "images/pxeboot/vmlinuz");
	CLEANUP(free_cleanup) char *same = path_join(redhat, "same");
	CLEANUP(free_cleanup) char *inside = path_join(redhat, "inside");
	CLEANUP(free_cleanup) char *outside = path_join(redhat, "outside");

	assert_int_equal(link(kernel, same), 0);
	assert_int_equal(symlink("images/pxeboot", inside), 0);
	assert_int_equal(symlink("../../../../../../etc/passwd", outside), 0);
	if (!image_make(redhat, image, false))
		skip();
	open_it(fixture, "rocky9", image);
	assert_served(fixture, "r1/images/pxeboot/vmlinuz", "kernel\n");
	assert_served(fixture, "r1/same", "kernel\n");
	assert_served(fixture, "r1/inside/initrd.img", "initrd\n");
	assert_not_served(fixture, "r1/outside");
	assert_true(image_make(esxi, plain, true));
	open_it(fixture, "esxi7", plain);
	assert_served(fixture, "r1/k.b00", "module\n");
	assert_boot(fixture, FIRMWARE_BIOS, "/media/r1/MBOOT.C32", NULL,
		    "-c http://10.0.0.1:8080/media/r1/nestctl-boot.cfg "
		    "ks=http://10.0.0.1:8081/" TOKEN "/KS.CFG");
}

/* As its package brings it. */
static void debian_s_own_installer_is_served(void **state)
{
	static const char medium[] = "/usr/lib/debian-installer/images/12/amd64/text";
	struct fixture *fixture = *state;
	char start[514];

	if (!path_exists(medium))
		skip();
	open_it(fixture, "bookworm", medium);
	CLEANUP(fd_cleanup)
	int fd = vendor_file(fixture->vendor, "r1/debian-installer/amd64/linux", NULL);
	assert_true(fd >= 0);
	assert_int_equal(fd_pread_all(fd, start, sizeof start, 0), sizeof start);
	assert_memory_equal(start + 510, "\x55\xaa", 2);
	assert_not_served(fixture, "r1/../../../../../etc/passwd");
}

static void assert_refused(struct fixture *fixture, const char *profile, const char *medium,
			   const char *why)
{
	struct err err = { 0 };
	int r = try_open(fixture, profile, medium, &err);

	assert_true(r == -EINVAL || r == -EBADMSG);
	if (!strstr(err.text, why) || !strstr(err.text, "machine r1"))
		fail_msg("%s", err.text);
	err_clear(&err);
}

static void what_cannot_be_done_is_said_at_the_start(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *debian = debian_folder(fixture);
	CLEANUP(free_cleanup) char *esxi = esxi_folder(fixture);
	CLEANUP(free_cleanup) char *cd = path_join(fixture->folder, "cd");

	assert_refused(fixture, "xcp-ng8", debian, "xcp-ng cannot be started over the network");
	assert_refused(fixture, "proxmox8", debian, "proxmox cannot be started over the network");
	assert_refused(fixture, "bookworm", "", "no install.medium");
	assert_refused(fixture, "bookworm", esxi, "name another medium");
	assert_refused(fixture, "trixie-uefi", debian, "os.release trixie (Debian 13)");
	put(cd, ".disk/info", "Debian GNU/Linux 12.5.0 \"Bookworm\" - Official amd64 NETINST");
	put(cd, "install.amd/vmlinuz", "kernel");
	put(cd, "install.amd/initrd.gz", "initrd");
	assert_refused(fixture, "bookworm", cd, "works from a CD only");

	open_it(fixture, "bookworm", debian);
	struct err err = { 0 };
	vendor_free(take(&fixture->vendor));
	fixture->machine.disk.wipe = false;
	assert_int_equal(vendor_open(&fixture->request, &fixture->vendor, &err), -EINVAL);
	assert_non_null(strstr(err.text, "disk.wipe"));
	fixture->machine.disk = (struct lab_disk){ .pick = LAB_DISK_SERIAL, .wipe = true };
	assert_int_equal(vendor_open(&fixture->request, &fixture->vendor, &err), -EINVAL);
	assert_non_null(strstr(err.text, "first disk"));
	err_clear(&err);
}

/* --- answers -----------------------------------------------------------------------------------
 */

static char *answer_of(struct fixture *fixture, const char *name)
{
	char *text = NULL;

	if (vendor_answer(fixture->vendor, &fixture->machine, name, TOKEN, AGENT_TOKEN, &text,
			  NULL) < 0)
		fail_msg("%s", name);
	return text;
}

static void answers_are_of_this_boot(void **state)
{
	static const char *const none[] = { "ks.cfg", "../preseed.cfg", "", "done", "setup/" };
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *medium = debian_folder(fixture);

	open_it(fixture, "bookworm", medium);
	CLEANUP(free_cleanup) char *answers = answer_of(fixture, "preseed.cfg");
	CLEANUP(free_cleanup) char *script = answer_of(fixture, "setup");
	assert_non_null(strstr(answers, "http://10.0.0.1:8081/" TOKEN "/setup"));
	assert_null(strstr(answers, "poweroff"));
	assert_null(strstr(answers, "nestctl-agent")); /* the script has it */
	assert_non_null(strstr(script, "http://10.0.0.1:8081/" TOKEN "/done"));
	assert_non_null(strstr(script, "server 10.0.0.1:8090 " AGENT_TOKEN "\n"));
	assert_non_null(strstr(script, "put '/usr/lib/nestctl/nestctl-agent' 0755 base64 -d"));
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		char *text = NULL;

		assert_int_equal(vendor_answer(fixture->vendor, &fixture->machine, none[i], TOKEN,
					       AGENT_TOKEN, &text, NULL),
				 -ENOENT);
	}
	CLEANUP(free_cleanup) char *suse = suse_folder(fixture);
	char *text = NULL;
	open_it(fixture, "sles15", suse);
	assert_int_equal(vendor_answer(fixture->vendor, &fixture->machine, "setup", TOKEN,
				       AGENT_TOKEN, &text, NULL),
			 -ENOENT);
}

static void golden_text(const char *name, const char *text)
{
	CLEANUP(free_cleanup) char *path = str_format("tests/pxe/answers/%s", name);
	CLEANUP(free_cleanup) char *expected = NULL;

	if (getenv("ACCEPT"))
		assert_int_equal(file_write(path, text, strlen(text), 0644, NULL), 0);
	assert_int_equal(file_read(path, 1 << 20, &expected, NULL, NULL), 0);
	assert_string_equal(text, expected);
}

/* tests/pxe/answers/PROFILE, and PROFILE.setup where the format has a script; with ACCEPT set in
 * the environment they are written anew. */
static void golden(const char *profile)
{
	static const struct answers_network network = {
		.script = "http://10.0.0.1:8081/" TOKEN "/setup",
		.done = "http://10.0.0.1:8081/" TOKEN "/done",
		.repository = "http://10.0.0.1:8080/media/r1",
		.agent = "10.0.0.1:8090 " AGENT_TOKEN,
	};
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	CLEANUP(free_cleanup)
	char *path = str_format("tests/answers/cases/%s/profile.yaml", profile);
	CLEANUP(free_cleanup) char *script_name = str_format("%s.setup", profile);
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(free_cleanup) char *script = NULL;
	struct err err = { 0 };

	assert_int_equal(stack_load_for_answers(path, &stack, &err), 0);
	const struct answers_request request = { .layer = stack->layers[0],
						 .stack_name = stack->name,
						 .agent = "agent\n",
						 .agent_length = 6,
						 .network = &network };
	const struct answers_format *format = answers_format_of(request.layer->os_family);
	if (format->emit(&request, &text, &err) < 0 ||
	    (format->script && format->script(&request, &script, &err) < 0))
		fail_msg("%s", err.text);
	golden_text(profile, text);
	if (script)
		golden_text(script_name, script);
}

static void answers_of_each_family(void **state)
{
	static const char *const profiles[] = {
		"bookworm", "trixie-uefi", "sles11sp4", "sles15",
		"centos7",  "rocky9",	   "esxi7",	"esxi8-dhcp"
	};

	(void)state;
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
		golden(profiles[i]);
}

static void boot_cfg_values_are_replaced(void **state)
{
	CLEANUP(free_cleanup)
	char *replaced = boot_cfg_set("a=1\r\nPrefix=x\r\nb=2\r\n", "prefix", "u");
	CLEANUP(free_cleanup) char *added = boot_cfg_set("a=1\r\nb=2", "prefix", "u");
	CLEANUP(free_cleanup) char *first = boot_cfg_set("", "prefix", "u");

	(void)state;
	assert_string_equal(replaced, "a=1\r\nPrefix=u\r\nb=2\r\n");
	assert_string_equal(added, "a=1\r\nb=2\r\nprefix=u\r\n");
	assert_string_equal(first, "prefix=u\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_folder_is_served_and_nothing_around_it),
		CASE(an_archive_is_unpacked_once),
		CASE(hostile_archives_stay_inside),
		CASE(odd_entries_are_tamed),
		CASE(images_are_unpacked),
		CASE(debian_s_own_installer_is_served),
		CASE(red_hat_and_suse_get_their_repository),
		CASE(esxi_gets_a_configuration_with_urls),
		CASE(what_cannot_be_done_is_said_at_the_start),
		CASE(answers_are_of_this_boot),
		cmocka_unit_test(answers_of_each_family),
		cmocka_unit_test(boot_cfg_values_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
