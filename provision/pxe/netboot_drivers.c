#include "pxe/netboot_drivers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

/* Below "kernel/". Disks behind a network of their own (Fibre Channel, iSCSI cards) are not
 * installed on; switches and what needs firmware to do anything are no network cards here. The
 * longest match decides. */
static const struct rule {
	const char *begin;
	bool wanted;
} rules[] = {
	{ "drivers/ata/", true },
	{ "drivers/block/virtio_blk", true },
	{ "drivers/block/xen-blkfront", true },
	{ "drivers/hid/hid-generic", true },
	{ "drivers/hid/usbhid/usbhid", true },
	{ "drivers/hv/", true },
	{ "drivers/message/fusion/mptsas", true },
	{ "drivers/message/fusion/mptspi", true },
	{ "drivers/mmc/", true },
	{ "drivers/net/ethernet/", true },
	{ "drivers/net/ethernet/cavium/liquidio/", false },
	{ "drivers/net/ethernet/chelsio/inline_crypto/", false },
	{ "drivers/net/ethernet/mellanox/mlxsw/", false },
	{ "drivers/net/ethernet/netronome/", false },
	{ "drivers/net/ethernet/sfc/falcon/", false },
	{ "drivers/net/hyperv/", true },
	{ "drivers/net/phy/", true },
	{ "drivers/net/virtio_net", true },
	{ "drivers/net/vmxnet3/", true },
	{ "drivers/net/xen-netfront", true },
	{ "drivers/nvme/host/nvme.", true },
	{ "drivers/pci/controller/vmd", true },
	{ "drivers/scsi/", true },
	{ "drivers/scsi/aic94xx/", false },
	{ "drivers/scsi/be2iscsi/", false },
	{ "drivers/scsi/bfa/", false },
	{ "drivers/scsi/bnx2fc/", false },
	{ "drivers/scsi/bnx2i/", false },
	{ "drivers/scsi/csiostor/", false },
	{ "drivers/scsi/cxgbi/", false },
	{ "drivers/scsi/device_handler/", false },
	{ "drivers/scsi/elx/", false },
	{ "drivers/scsi/fcoe/", false },
	{ "drivers/scsi/fnic/", false },
	{ "drivers/scsi/iscsi", false },
	{ "drivers/scsi/libfc/", false },
	{ "drivers/scsi/libiscsi", false },
	{ "drivers/scsi/lpfc/", false },
	{ "drivers/scsi/pcmcia/", false },
	{ "drivers/scsi/qedf/", false },
	{ "drivers/scsi/qedi/", false },
	{ "drivers/scsi/qla2xxx/", false },
	{ "drivers/scsi/qla4xxx/", false },
	{ "drivers/scsi/scsi_debug", false },
	{ "drivers/usb/host/", true },
	{ "drivers/usb/storage/uas", true },
	{ "drivers/usb/storage/usb-storage", true },
	{ "drivers/virtio/virtio_mmio", true },
	{ "drivers/virtio/virtio_pci", true },
	/* for who looks at a disk from the rescue shell */
	{ "fs/ext4/", true },
	{ "fs/fat/", true },
	{ "fs/nls/nls_cp437", true },
	{ "fs/nls/nls_iso8859-1", true },
};

static bool is_wanted(const char *path)
{
	size_t longest = 0;
	bool wanted = false;

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		size_t length = strlen(rules[i].begin);

		if (length > longest && str_starts(path, rules[i].begin)) {
			longest = length;
			wanted = rules[i].wanted;
		}
	}
	return wanted;
}

/* ---- modules.dep ---- */

/* As they are once they are uncompressed. */
static char *plain_path(const char *path, size_t length)
{
	const char *end = memmem(path, length, ".ko", 3);

	return str_format("%.*s", end ? (int)(end - path) + 3 : (int)length, path);
}

static void needed_add(char *line, struct strv *paths)
{
	char *rest = NULL;

	for (char *word = strtok_r(line, ": ", &rest); word; word = strtok_r(NULL, ": ", &rest))
		strv_add(paths, word);
}

/* The modules' own names, with what each needs: "kernel/drivers/ata/ahci.ko.xz". */
static void paths_select(const char *dependencies, struct strv *paths)
{
	CLEANUP(free_cleanup) char *text = str_copy(dependencies);
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (str_starts(line, "kernel/") && is_wanted(line + strlen("kernel/")))
			needed_add(line, paths);
	strv_sort(paths);
}

static int path_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_selected(const struct strv *paths, const char *path)
{
	return bsearch(&path, paths->items, paths->count, sizeof *paths->items, path_order) != NULL;
}

static char *dependencies_filter(const char *dependencies, const struct strv *paths)
{
	CLEANUP(free_cleanup) char *text = str_copy(dependencies);
	CLEANUP(buf_done) struct buf filtered = { 0 };
	char *lines = NULL, *words = NULL;

	for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		char *word = strtok_r(line, ": ", &words);

		if (!word || !is_selected(paths, word))
			continue;
		for (const char *mark = ": "; word; word = strtok_r(NULL, ": ", &words)) {
			CLEANUP(free_cleanup) char *plain = plain_path(word, strlen(word));

			buf_format(&filtered, "%s%s", plain, mark);
			mark = " ";
		}
		buf_text(&filtered, "\n");
	}
	return str_copy(buf_str(&filtered));
}

/* ---- modules.alias: "alias pci:v00008086d*... ahci" ---- */

static void names_list(const struct strv *paths, struct strv *names)
{
	for (size_t i = 0; i < paths->count; i++) {
		const char *file = path_name(paths->items[i]);
		CLEANUP(free_cleanup)
		char *name = str_format("%.*s", (int)(strstr(file, ".ko") - file), file);

		for (char *c = name; *c; c++)
			*c = *c == '-' ? '_' : *c;
		strv_add(names, name);
	}
	strv_sort(names);
}

static char *aliases_filter(const char *aliases, const struct strv *paths)
{
	CLEANUP(strv_done) struct strv names = { 0 };
	CLEANUP(buf_done) struct buf filtered = { 0 };

	names_list(paths, &names);
	for (const char *line = aliases; *line;) {
		size_t length = strcspn(line, "\n");
		const char *blank = memrchr(line, ' ', length);
		CLEANUP(free_cleanup)
		char *name = blank ? str_format("%.*s", (int)(line + length - blank - 1), blank + 1)
				   : str_copy("");

		if (is_selected(&names, name))
			buf_format(&filtered, "%.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
	return str_copy(buf_str(&filtered));
}

/* ---- the tree ---- */

struct search {
	const char *folder; /* "lib/modules/VERSION/" */
	const char *aliases, *config;
	const struct strv *paths;
};

/* Trees have lib or usr/lib. */
static bool member_wanted(void *context, const char *path)
{
	const struct search *search = context;
	const char *below = strstr(path, search->folder);

	return str_equal(path, search->config) || str_ends(path, search->aliases) ||
	       (below && is_selected(search->paths, below + strlen(search->folder)));
}

static int module_keep(struct member *member, const char *folder, struct members *modules,
		       struct err *err)
{
	int r = member_uncompress(member, err);

	if (r < 0)
		return r;
	const char *path = strstr(member->path, folder);
	CLEANUP(free_cleanup) char *plain = plain_path(path, strlen(path));
	members_add(modules, plain, take(&member->data), member->length);
	return 0;
}

static int members_sort_out(struct members *found, const struct search *search,
			    struct netboot_drivers *drivers, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < found->count; i++) {
		struct member *member = &found->items[i];

		if (str_equal(member->path, search->config))
			drivers->kernel_has_zstd = strstr(member->data, "CONFIG_RD_ZSTD=y") != NULL;
		else if (str_ends(member->path, search->aliases))
			drivers->aliases = aliases_filter(member->data, search->paths);
		else
			r = module_keep(member, search->folder, &drivers->modules, err);
	}
	return r;
}

int netboot_drivers_read(const char *tree, const char *version, const char *dependencies,
			 struct netboot_drivers *ret_drivers, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = str_format("lib/modules/%s/", version);
	CLEANUP(free_cleanup) char *aliases = str_format("%smodules.alias", folder);
	CLEANUP(free_cleanup) char *config = str_format("boot/config-%s", version);
	CLEANUP(strv_done) struct strv paths = { 0 };
	CLEANUP(members_done) struct members found = { 0 };
	struct search search = { folder, aliases, config, &paths };

	*ret_drivers = (struct netboot_drivers){ 0 };
	paths_select(dependencies, &paths);
	ret_drivers->dependencies = dependencies_filter(dependencies, &paths);
	int r = members_read(tree, member_wanted, &search, &found, err);
	if (r == 0)
		r = members_sort_out(&found, &search, ret_drivers, err);
	if (r < 0)
		return r;
	if (!ret_drivers->aliases)
		return err_set(err, -EBADMSG, "%s: has no %s", tree, aliases);
	if (ret_drivers->modules.count != paths.count)
		return err_set(err, -EBADMSG,
			       "%s: modules.dep names %zu drivers for disks and network cards, %zu "
			       "are there",
			       tree, paths.count, ret_drivers->modules.count);
	return 0;
}

void netboot_drivers_done(struct netboot_drivers *drivers)
{
	members_done(&drivers->modules);
	free(drivers->dependencies);
	free(drivers->aliases);
	*drivers = (struct netboot_drivers){ 0 };
}
