/* Disks from a /sys that is made here: what they call themselves, and which one is meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "pxe/machine_disk.h"

static char *sys;

static int setup(void **state)
{
	(void)state;
	return temp_dir(NULL, &sys, NULL);
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(sys, NULL);
	free(take(&sys));
	return 0;
}

static void fact_bytes(const char *disk, const char *file, const void *data, size_t length)
{
	CLEANUP(free_cleanup) char *path = str_format("%s/block/%s/%s", sys, disk, file);
	CLEANUP(free_cleanup) char *folder = path_folder(path);

	assert_int_equal(dir_make(folder, 0755, NULL), 0);
	assert_int_equal(file_write(path, data, length, 0644, NULL), 0);
}

static void fact(const char *disk, const char *file, const char *text)
{
	fact_bytes(disk, file, text, strlen(text));
}

static void disk_add(const char *name, const char *sectors)
{
	fact(name, "size", sectors);
	fact(name, "removable", "0\n");
	fact(name, "ro", "0\n");
	fact(name, "device/uevent", "");
}

/* A page of designators: association and type, length, bytes. */
static void page_83(const char *disk)
{
	CLEANUP(buf_done) struct buf page = { 0 };

	buf_add(&page, "\0\x83\0\0", 4);
	buf_add(&page, "\2\0\0\24", 4); /* vendor's own */
	buf_add(&page, "serial              ", 20);
	buf_add(&page, "\2\1\0\104", 4); /* T10 */
	buf_add(&page, "ATA     Quick  Disk 2 TB                        ", 48);
	buf_add(&page, "            SER/1   ", 20);
	buf_add(&page, "\1\3\0\10", 4); /* NAA */
	buf_add(&page, "\x50\0\xc5\0\xaa\xbb\xcc\xdd", 8);
	buf_add(&page, "\1\23\0\10", 4); /* of the port */
	buf_add(&page, "\x50\0\xc5\0\0\0\0\1", 8);
	buf_add(&page, "\1\3\0\377", 4); /* reaches over the end */
	fact_bytes(disk, "device/vpd_pg83", page.data, page.length);
}

static void test_names(void **state)
{
	CLEANUP(machine_disks_done) struct machine_disks disks = { 0 };

	(void)state;
	disk_add("sda", "8\n");
	page_83("sda");
	fact_bytes("sda", "device/vpd_pg80", "\0\x80\0\10  SER/1 ", 12);
	fact("sda", "device/model", "Quick  Disk 2 TB\n");
	disk_add("nvme0n1", "16\n");
	fact("nvme0n1", "device/model", "Fast one            \n");
	fact("nvme0n1", "device/serial", "  N-1 \n");
	fact("nvme0n1", "wwid", "eui.0025388b\n");
	disk_add("vda", "24\n");
	fact("vda", "serial", "virtual");
	assert_int_equal(machine_disks_read(sys, &disks, NULL), 0);
	assert_int_equal(disks.count, 3);
	CLEANUP(free_cleanup) char *nvme = strv_join(&disks.items[0].ids, " ");
	CLEANUP(free_cleanup) char *sda = strv_join(&disks.items[1].ids, " ");
	CLEANUP(free_cleanup) char *vda = strv_join(&disks.items[2].ids, " ");
	assert_string_equal(nvme, "nvme-Fast_one_N-1 nvme-eui.0025388b");
	assert_string_equal(sda, "ata-Quick_Disk_2_TB_SER_1 scsi-35000c500aabbccdd "
				 "wwn-0x5000c500aabbccdd");
	assert_string_equal(vda, "virtio-virtual");
	assert_string_equal(disks.items[0].serial, "N-1");
	assert_string_equal(disks.items[1].serial, "SER/1");
	assert_string_equal(disks.items[1].model, "Quick  Disk 2 TB");
	assert_int_equal(disks.items[2].size_bytes, 24 * 512);
}

static void test_no_disks(void **state)
{
	CLEANUP(machine_disks_done) struct machine_disks disks = { 0 };
	static const char *const others[] = { "sr0", "fd0", "nbd0", "mmcblk0boot0" };

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		disk_add(others[i], "8\n");
	fact("loop0", "size", "8\n"); /* nothing behind it */
	disk_add("sda", "8\n");
	fact("sda", "device/type", "5\n"); /* a CD-ROM by another name */
	disk_add("nvme0c0n1", "8\n");
	fact("nvme0c0n1", "hidden", "1\n");
	assert_int_equal(machine_disks_read(sys, &disks, NULL), 0);
	assert_int_equal(disks.count, 0);
}

static void test_drivers(void **state)
{
	CLEANUP(machine_disks_done) struct machine_disks disks = { 0 };
	CLEANUP(free_cleanup) char *real = realpath(sys, NULL);
	CLEANUP(free_cleanup) char *link = str_format("%s/block/sda/device", sys);
	CLEANUP(free_cleanup) char *target = str_format("%s/devices/pci0/card/host0/disk", real);
	static const struct {
		const char *at, *module;
	} drivers[] = { { "card/host0/disk", "sd_mod" }, { "card", "ahci" } };

	(void)state;
	fact("sda", "size", "8\n");
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(free_cleanup)
		char *driver = str_format("%s/devices/pci0/%s/driver", real, drivers[i].at);
		CLEANUP(free_cleanup) char *module = str_format("%s/module", driver);
		CLEANUP(free_cleanup)
		char *named = str_format("%s/module/%s", real, drivers[i].module);

		assert_int_equal(dir_make(driver, 0755, NULL), 0);
		assert_int_equal(dir_make(named, 0755, NULL), 0);
		assert_int_equal(symlink(named, module), 0);
	}
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(machine_disks_read(sys, &disks, NULL), 0);
	assert_int_equal(disks.count, 1);
	CLEANUP(free_cleanup) char *modules = strv_join(&disks.items[0].drivers, " ");
	assert_string_equal(modules, "sd_mod ahci");
}

static void choose(const struct machine_disks *disks, struct lab_disk wanted, const char *name,
		   int code)
{
	const struct machine_disk *found = NULL;
	CLEANUP(err_clear) struct err err = { 0 };

	assert_int_equal(machine_disk_choose(disks, &wanted, 4096, &found, &err), code);
	if (code == 0)
		assert_string_equal(found->name, name);
	else
		assert_non_null(strstr(err.text, "sda (4KiB), sdb (8KiB, serial B)"));
}

static void test_choose(void **state)
{
	CLEANUP(machine_disks_done) struct machine_disks disks = { 0 };

	(void)state;
	disk_add("sda", "8\n");
	disk_add("sdb", "16\n");
	fact("sdb", "device/serial", "B");
	disk_add("sdc", "24\n");
	fact("sdc", "removable", "1\n");
	disk_add("vdd", "7\n"); /* too small */
	fact("vdd", "serial", "D");
	assert_int_equal(machine_disks_read(sys, &disks, NULL), 0);
	choose(&disks, (struct lab_disk){ .pick = LAB_DISK_ONLY }, NULL, -ENOTUNIQ);
	choose(&disks, (struct lab_disk){ .pick = LAB_DISK_SERIAL, .text = "B" }, "sdb", 0);
	choose(&disks, (struct lab_disk){ .pick = LAB_DISK_SERIAL, .text = "D" }, NULL, -ENODEV);
	choose(&disks, (struct lab_disk){ .pick = LAB_DISK_SERIAL, .text = "" }, NULL, -ENODEV);
	choose(&disks, (struct lab_disk){ .pick = LAB_DISK_SIZE, .min_bytes = 5000 }, "sdb", 0);
	choose(&disks, (struct lab_disk){ .pick = LAB_DISK_SIZE, .max_bytes = 5000 }, "sda", 0);
	choose(&disks, (struct lab_disk){ .pick = LAB_DISK_SIZE, .min_bytes = 10000 }, NULL,
	       -ENODEV);
	choose(&disks, (struct lab_disk){ .pick = LAB_DISK_BY_ID, .text = "virtio-D" }, NULL,
	       -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_disks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drivers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_choose, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
