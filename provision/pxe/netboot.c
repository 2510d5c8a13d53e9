/* The program in there is nestctl with its shared libraries, no static one: libcurl's own libraries
 * come without static forms in Debian, and the fix library, the file systems and the transfers are
 * the same code here and there.
 */
#include "pxe/netboot.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>
#include <zstd.h>

#include "base/data.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "compose/initramfs.h"
#include "pxe/programs.h"

#define SELF		  "/proc/self/exe"
#define COMPRESSION_LEVEL 3

/* Of the disks and network cards that lab machines have. What a kernel lacks is left out. */
static const char *const drivers[] = {
	"ahci",	       "ata_piix",   "sd_mod",	   "nvme",	 "virtio_pci",	 "virtio_blk",
	"virtio_scsi", "mptspi",     "mptsas",	   "mpt3sas",	 "megaraid_sas", "hpsa",
	"smartpqi",    "aacraid",    "vmw_pvscsi", "hv_storvsc", "xen-blkfront", "e1000",
	"e1000e",      "igb",	     "igc",	   "ixgbe",	 "i40e",	 "ice",
	"tg3",	       "bnx2",	     "bnx2x",	   "bnxt_en",	 "r8169",	 "8139cp",
	"8139too",     "virtio_net", "vmxnet3",	   "hv_netvsc",	 "xen-netfront", "mlx4_en",
	"mlx5_core",   "atlantic",   "forcedeth",  "sky2",	 "be2net",	 "ena",
	"pcnet32",     NULL,
};

static const struct pattern machine = { .name = "netboot", .initramfs_modules = drivers };

/* What nestctl calls in there. */
static const char *const programs[] = { "e2fsck", "resize2fs", NULL };

static int programs_add(struct overlay *overlay, struct err *err)
{
	char self[PATH_MAX] = "";
	ssize_t length = readlink(SELF, self, sizeof self - 1);
	int r = length < 0 ? err_errno(err, errno, SELF) : 0;

	if (r == 0)
		r = program_add(overlay, self, "/bin/nestctl", err);

	for (const char *const *name = programs; r == 0 && *name; name++) {
		CLEANUP(free_cleanup) char *found = program_find(*name);
		CLEANUP(free_cleanup)
		char *path = found ? take(&found) : str_format("/usr/sbin/%s", *name);
		CLEANUP(free_cleanup) char *place = str_format("/usr/sbin/%s", *name);

		r = program_add(overlay, path, place, err);
	}
	return r;
}

static int script_add(struct overlay *overlay, const char *name, const char *place, struct err *err)
{
	CLEANUP(free_cleanup) char *path = str_format("templates/netboot/%s", name);
	CLEANUP(free_cleanup) char *text = NULL;
	size_t length = 0;
	int r = data_read(path, &text, &length, err);

	if (r == 0)
		overlay_file(overlay, place, text, length, 0755);
	return r;
}

static int extra_make(struct overlay *overlay, const char *ca_certificate, struct err *err)
{
	int r = script_add(overlay, "init", "/init", err);

	if (r == 0)
		r = script_add(overlay, "udhcpc", "/etc/udhcpc", err);
	overlay_text(overlay, "/etc/nestctl/ca.pem", 0644, "%s", ca_certificate);
	return r < 0 ? r : programs_add(overlay, err);
}

/* zstd: every kernel since 5.9 unpacks it. */
static int initrd_write(const char *folder, const char *data, size_t length, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, "initrd");
	size_t bound = ZSTD_compressBound(length);
	CLEANUP(free_cleanup) char *packed = mem_alloc(bound);
	size_t size = ZSTD_compress(packed, bound, data, length, COMPRESSION_LEVEL);

	if (ZSTD_isError(size))
		return err_set(err, -EIO, "%s: zstd: %s", path, ZSTD_getErrorName(size));
	return file_write(path, packed, size, 0644, err);
}

static int kernel_write(const char *folder, const struct boot_source *source, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, "vmlinuz");
	const struct member *kernel = boot_source_kernel(source);

	return file_write(path, kernel->data, kernel->length, 0644, err);
}

int netboot_make(const char *tree, const char *ca_certificate, const char *folder, struct err *err)
{
	CLEANUP(boot_source_done) struct boot_source source = { 0 };
	CLEANUP(overlay_done) struct overlay extra = { 0 };
	CLEANUP(free_cleanup) char *data = NULL;
	size_t length = 0;
	int r = dir_make(folder, 0755, err);

	if (r == 0)
		r = boot_source_read(tree, NULL, &machine, &source, err);
	if (r == 0)
		r = extra_make(&extra, ca_certificate, err);
	if (r == 0)
		r = initramfs_make(&source, &extra, &data, &length, err);
	if (r == 0)
		r = kernel_write(folder, &source, err);
	if (r == 0)
		r = initrd_write(folder, data, length, err);
	return r < 0 ? err_wrap(err, r, "making the netboot system") : 0;
}
