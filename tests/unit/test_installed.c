#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/fs.h"
#include "compose/installed.h"
#include "compose/names.h"
#include "image/table.h"
#include "install/disk_check.h"
#include "install/install.h"

#define MENU                                                                                       \
	"default 1\ntimeout 5\n\ntitle Linux\n\troot (hd0,1)\n\tkernel /boot/vmlinuz "             \
	"root=/dev/sda2\n\tinitrd /boot/initrd\n\ntitle Xen\n\troot (hd0,1)\n\tkernel "            \
	"/boot/xen.gz\n\tmodule /boot/vmlinuz root=/dev/hda2\n\tmodule /boot/initrd\n"

/* A disk as an installer leaves it: not laid out as the profile says. */
struct fixture {
	struct stack *stack;
	struct layer *layer; /* the installed one */
	char *folder, *disk, *copy;
	struct err err;
};

static const struct file {
	const char *path, *text;
} files[] = {
	{ "/sbin/init", "#!" },
	{ "/etc/fstab", "/dev/sda2 / ext3 defaults 1 1\n/dev/sda3 /var ext3 defaults 1 2\n" },
	{ "/boot/grub/menu.lst", MENU },
	{ "/boot/vmlinuz", "kernel" },
	{ "/boot/initrd", "initrd" },
	{ "/boot/xen.gz", "xen" },
};

static int stack_make(struct fixture *fixture)
{
	static const char text[] = "layers:\n  - profile: %s/profiles/layers/xen-host.yaml\n"
				   "    name: l1\n  - profile: %s/profiles/layers/leaf-pv.yaml\n"
				   "    name: l2\n";
	CLEANUP(free_cleanup) char *path = path_join(fixture->folder, "stack.yaml");
	CLEANUP(free_cleanup) char *here = realpath(".", NULL);
	CLEANUP(free_cleanup) char *yaml = str_format(text, here, here);

	if (file_write(path, yaml, strlen(yaml), 0644, &fixture->err) < 0 ||
	    stack_load(path, &fixture->stack, &fixture->err) < 0)
		return -1;
	fixture->layer = fixture->stack->layers[0];
	free(fixture->layer->install.medium);
	fixture->layer->install.medium = str_copy("some.iso");
	return 0;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	*state = fixture;
	if (temp_dir(NULL, &fixture->folder, NULL) < 0)
		return -1;
	fixture->disk = path_join(fixture->folder, "disk.raw");
	fixture->copy = path_join(fixture->folder, "copy.raw");
	return stack_make(fixture);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	tree_remove(fixture->folder, NULL);
	err_clear(&fixture->err);
	stack_free(fixture->stack);
	free(fixture->folder);
	free(fixture->disk);
	free(fixture->copy);
	free(fixture);
	return 0;
}

static void put(struct fsys *fsys, const char *path, const char *text)
{
	assert_int_equal(fsys_put(fsys, path, text, strlen(text), NULL, NULL), 0);
}

/* swap, /, /var; more (ends with a NULL path) goes into /. */
static void disk_make(struct fixture *fixture, const struct file *more)
{
	static char root_mount[] = "/", var_mount[] = "/var", none[] = "", label[] = "root";
	struct partition_spec partitions[] = {
		{ 8 << 20, FILESYSTEM_SWAP, none, none, { 0 } },
		{ 48 << 20, FILESYSTEM_EXT3, label, root_mount, { 0 } },
		{ PARTITION_REST, FILESYSTEM_EXT3, none, var_mount, { 0 } },
	};
	const struct disk_spec spec = { .size_bytes = 96 << 20,
					.partitions = partitions,
					.partition_count = 3 };
	struct image *image = NULL;
	struct fsys *root = NULL, *var = NULL;
	struct layout layout;
	int fd = open(fixture->disk, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_int_equal(image_create(fd, fixture->disk, spec.size_bytes, &image, NULL), 0);
	assert_int_equal(layout_plan(&spec, &layout, NULL), 0);
	assert_int_equal(
		table_write(image, &layout, &spec, "01234567-89ab-8def-8123-456789abcdef", NULL),
		0);
	struct fsys_options options = { .kind = FILESYSTEM_EXT3, .label = "root", .uuid = { 1 } };
	assert_int_equal(fsys_format(image, &layout.partitions[1], &options, &root, NULL), 0);
	options.uuid[0] = 2;
	options.label = "";
	assert_int_equal(fsys_format(image, &layout.partitions[2], &options, &var, NULL), 0);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		put(root, files[i].path, files[i].text);
	for (; more && more->path; more++)
		put(root, more->path, more->text);
	assert_int_equal(fsys_close(root, NULL), 0);
	assert_int_equal(fsys_close(var, NULL), 0);
	assert_int_equal(image_finish(image, NULL), 0);
}

static struct volumes *volumes_of(struct fixture *fixture, struct image **ret_image)
{
	struct volumes *volumes = NULL;

	assert_int_equal(image_open(fixture->copy, true, ret_image, NULL), 0);
	if (volumes_open(*ret_image, fixture->layer, &volumes, &fixture->err) < 0)
		fail_msg("%s", fixture->err.text);
	return volumes;
}

static char *text_of(struct volumes *volumes, const char *path)
{
	const char *below = NULL;
	struct fsys *fsys = volumes_resolve(volumes, path, &below);
	char *text = NULL;

	if (fsys_read(fsys, below, 1 << 20, &text, NULL, NULL) < 0)
		fail_msg("%s cannot be read", path);
	return text;
}

static void the_copy_is_repaired_the_disk_is_not(void **state)
{
	struct fixture *fixture = *state;
	char before[HASH_HEX_LENGTH + 1], after[HASH_HEX_LENGTH + 1];
	CLEANUP(image_cleanup) struct image *image = NULL;

	disk_make(fixture, NULL);
	assert_int_equal(hash_file(fixture->disk, before, NULL), 0);
	if (installed_copy(fixture->layer, fixture->disk, fixture->copy, &fixture->err) < 0)
		fail_msg("%s", fixture->err.text);
	assert_int_equal(hash_file(fixture->disk, after, NULL), 0);
	assert_string_equal(before, after);
	CLEANUP(volumes_cleanup) struct volumes *volumes = volumes_of(fixture, &image);
	CLEANUP(free_cleanup) char *menu = text_of(volumes, "/boot/grub/menu.lst");
	assert_null(strstr(menu, "hda2"));
	assert_non_null(strstr(menu, "root=UUID=01000000-0000-0000-0000-000000000000"));
	assert_non_null(strstr(menu, "dom0_mem=768M"));
	assert_non_null(strstr(menu, "console=com1"));
}

static int installed(struct fixture *fixture, const struct file *more, struct image **ret_image,
		     struct volumes **ret_volumes)
{
	disk_make(fixture, more);
	if (installed_copy(fixture->layer, fixture->disk, fixture->copy, &fixture->err) < 0)
		fail_msg("%s", fixture->err.text);
	*ret_volumes = volumes_of(fixture, ret_image);
	return installed_put("s", fixture->layer, *ret_volumes, &fixture->err);
}

static void systemd_starts_the_agent(void **state)
{
	static const struct file more[] = { { "/etc/systemd/system/x", "" },
					    { "/etc/inittab", "" },
					    { 0 } };
	struct fixture *fixture = *state;
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(volumes_cleanup) struct volumes *volumes = NULL;

	assert_int_equal(installed(fixture, more, &image, &volumes), 0);
	struct fsys *root = volumes_root(volumes);
	assert_true(fsys_exists(
		root, "/etc/systemd/system/multi-user.target.wants/nestctl-agent.service"));
	CLEANUP(free_cleanup)
	char *unit = text_of(volumes, "/etc/systemd/system/nestctl-agent.service");
	CLEANUP(free_cleanup) char *conf = text_of(volumes, "/etc/nestctl/agent.conf");
	CLEANUP(free_cleanup) char *table = text_of(volumes, "/etc/inittab");
	assert_non_null(strstr(unit, "ExecStart=/usr/lib/nestctl/nestctl-agent\n"));
	assert_non_null(strstr(conf, "\nguest l2 config=/etc/xen/vm/l2 channel=console\n"));
	assert_string_equal(table, "");
	assert_true(fsys_exists(root, "/usr/lib/nestctl/nestctl-agent"));
	assert_true(fsys_exists(root, "/etc/xen/auto/l2"));
}

static void inittab_starts_the_agent_once(void **state)
{
	static const struct file more[] = { { "/etc/inittab", "l3:3:wait:/etc/init.d/rc 3" },
					    { 0 } };
	struct fixture *fixture = *state;
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(volumes_cleanup) struct volumes *volumes = NULL;

	assert_int_equal(installed(fixture, more, &image, &volumes), 0);
	assert_int_equal(installed_put("s", fixture->layer, volumes, &fixture->err), 0);
	CLEANUP(free_cleanup) char *table = text_of(volumes, "/etc/inittab");
	assert_string_equal(table, "l3:3:wait:/etc/init.d/rc 3\n"
				   "nc:2345:respawn:/usr/lib/nestctl/nestctl-agent\n");
}

static void a_system_that_starts_no_agent(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(volumes_cleanup) struct volumes *volumes = NULL;

	assert_int_equal(installed(fixture, NULL, &image, &volumes), -EBADMSG);
	assert_string_equal(fixture->err.text,
			    "the installed system has neither /etc/systemd/system nor "
			    "/etc/inittab: nestctl's agent cannot be started in it");
}

/* Its own file systems, where the installer put them: images of guests go to /var. */
static void paths_lead_to_the_file_systems_of_fstab(void **state)
{
	static const struct file more[] = { { "/etc/inittab", "" }, { 0 } };
	struct fixture *fixture = *state;
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(volumes_cleanup) struct volumes *volumes = NULL;
	const char *below = NULL;

	assert_int_equal(installed(fixture, more, &image, &volumes), 0);
	assert_ptr_not_equal(volumes_resolve(volumes, "/var/lib/xen/images/l2", &below),
			     volumes_root(volumes));
	assert_string_equal(below, "/lib/xen/images/l2");
	assert_int_equal(volumes_close(volumes, &fixture->err), 0);
}

static void a_disk_without_a_system_is_none(void **state)
{
	struct fixture *fixture = *state;
	int fd = open(fixture->disk, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, 96 << 20), 0);
	close(fd);
	assert_int_equal(disk_check(fixture->disk, fixture->layer, &fixture->err), -EBADMSG);
	assert_non_null(strstr(fixture->err.text, "has no partition table and no file system"));
	fixture->layer->os_family = OS_ESXI;
	assert_int_equal(disk_check(fixture->disk, fixture->layer, &fixture->err), -EBADMSG);
	assert_non_null(strstr(fixture->err.text, "disk.raw: has no partitions"));
	fixture->layer->os_family = OS_DEBIAN;
	unlink(fixture->disk);
	disk_make(fixture, NULL);
	assert_int_equal(disk_check(fixture->disk, fixture->layer, NULL), 0);
}

static void only_its_own_key_completes_an_installation(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *note = path_join(fixture->folder, "installed.json");
	static const char text[] = "{\"layer\": \"l1\", \"key\": \"abc\"}";

	assert_false(install_is_complete(fixture->folder, "abc"));
	assert_int_equal(file_write(note, text, strlen(text), 0600, NULL), 0);
	assert_false(install_is_complete(fixture->folder, "abc"));
	disk_make(fixture, NULL);
	assert_true(install_is_complete(fixture->folder, "abc"));
	assert_false(install_is_complete(fixture->folder, "abd"));
	assert_int_equal(file_write(note, "{", 1, 0600, NULL), 0);
	assert_false(install_is_complete(fixture->folder, "abc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_copy_is_repaired_the_disk_is_not, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(systemd_starts_the_agent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(inittab_starts_the_agent_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_system_that_starts_no_agent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(paths_lead_to_the_file_systems_of_fstab, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_disk_without_a_system_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_its_own_key_completes_an_installation, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
