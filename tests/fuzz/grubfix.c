/* What must hold for any bytes in any of grubfix's syntaxes: parsing and emitting gives the same
 * bytes, and what was repaired once needs no second repair. The first byte chooses the syntax, the
 * second the wishes, the third how much is known of the disk. Built with libFuzzer, or with
 * driver.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_limit.h"
#include "grubfix/doc.h"

#define HEAD_BYTES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what, const char *text)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, text ? text : "");
	abort();
}

static void round_trip(enum grubfix_type type, const char *name, const char *text, size_t length)
{
	CLEANUP(doc_done) struct doc doc = { 0 };
	CLEANUP(buf_done) struct buf out = { 0 };

	doc_parse(&doc, name, type, text, length);
	doc_emit(&doc, &out);
	must(out.length == length && (length == 0 || memcmp(out.data, text, length) == 0),
	     "the round trip changes it", NULL);
}

static bool exists(void *context, const char *path)
{
	(void)context;
	return strlen(path) % 3 != 0;
}

#define SWAP                                                                                       \
	.uuid = "0b7f7c56-6d2e-4a58-8a34-90c9ab4be0f1", .type = "swap", .is_swap = true,           \
	.label = "swap"
#define ROOT                                                                                       \
	.uuid = "6f9b1c2e-0d5b-4a51-9f43-2f6c1c7e8a10", .type = "ext3", .is_root = true,           \
	.label = "root", .mount_point = "/"

/* The bare text tool; a whole disk; one with a separate /boot; a root without any name. */
static const struct grubfix_filesystem bare[] = { { ROOT }, { SWAP } };
static const struct grubfix_filesystem whole[] = { { .partition = 1, SWAP },
						   { .partition = 2, ROOT } };
static const struct grubfix_filesystem with_boot[] = {
	{ .partition = 1, .uuid = "5c7d", .is_boot = true },
	{ .partition = 2, ROOT },
	{ .partition = 3, SWAP },
};
static const struct grubfix_filesystem nameless[] = { { .partition = 2, .is_root = true } };

/* What an unpacked tree tells: names of volumes, a /boot without any. */
static const struct grubfix_filesystem volumes[] = {
	{ .volume = "/dev/mapper/vg-root", .is_root = true },
	{ .volume = "/dev/vg/swap", .is_swap = true },
	{ .is_boot = true, .mount_point = "/boot" },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
	const struct grubfix_filesystem *items;
	size_t count;
} disks[] = {
	{ whole, COUNT(whole) },       { bare, COUNT(bare) }, { with_boot, COUNT(with_boot) },
	{ nameless, COUNT(nameless) }, { NULL, 0 },
};

static const struct grubfix_device devices[] = {
	{ "/dev/sdc7", "6f9b1c2e-0d5b-4a51-9f43-2f6c1c7e8a10" },
	{ "LABEL=nope", "0b7f7c56-6d2e-4a58-8a34-90c9ab4be0f1" },
};

/* Some rules go by the name too: a part of another file, one whose neighbours are known. */
static const char *name_of(enum grubfix_type type, unsigned further)
{
	if (type == GRUBFIX_XEN_CFG)
		return further & 1 ? "/boot/efi/EFI/xen/xen.cfg" : "fuzz";
	if (type == GRUBFIX_DEFAULT_GRUB)
		return further & 1 ? "/etc/default/grub.d/xen.cfg" : "/etc/default/grub";
	return further & 1 ? "/boot/grub/custom.cfg" : "/boot/grub/fuzz";
}

static struct grubfix_facts facts_of(unsigned choice, unsigned disk)
{
	static const char *const xen_args[] = { "loglvl=all", "noreboot", NULL };
	static const char *const disk_names[] = { "/dev/sdb", "/dev/disk/by-id/x", NULL };
	unsigned further = disk / (COUNT(disks) * 3);
	static const enum grubfix_type targets[] = { GRUBFIX_UNKNOWN, GRUBFIX_XL, GRUBFIX_XM,
						     GRUBFIX_UNKNOWN };

	bool tree = further & 16;

	return (struct grubfix_facts){
		.filesystems = tree ? volumes : disks[disk % COUNT(disks)].items,
		.filesystem_count = tree ? COUNT(volumes) : disks[disk % COUNT(disks)].count,
		.subvolume = tree ? "/@" : NULL,
		.file_exists = choice & 1 ? exists : NULL,
		.style = disk / COUNT(disks) % 3,
		.devices = devices,
		.device_count = further & 2 ? COUNT(devices) : 0,
		.disk_names = further & 2 ? disk_names : NULL,
		.com1 = further & 4 ? "57600,8n1" : NULL,
		.dom0_console = further & 8 ? "xvc0" : NULL,
		.adopt_root = choice & 4,
		.disk = choice & 2 ? "/dev/sda" : NULL,
		.xen_default = choice & 8,
		.default_entry = choice & 2 ? "xen" : NULL,
		.console = choice & 16,
		.dom0_mem = choice & 32 ? "1024M" : NULL,
		.xen_args = choice & 32 ? xen_args : NULL,
		.dom0_args = choice & 64 ? xen_args : NULL,
		.guest = { .nested = choice & 64,
			   .tsc_mode = choice & 64 ? "native" : NULL,
			   .hdtype = choice & 32 ? "ahci" : NULL,
			   .serial = choice & 16 ? "pty" : NULL,
			   .translate_to = targets[choice >> 6 & 3] },
	};
}

static void look(const struct grubfix_request *request)
{
	CLEANUP(strv_done) struct strv menus = { 0 };
	CLEANUP(free_cleanup) char *entry = NULL;

	if (request->type != GRUBFIX_LEGACY && request->type != GRUBFIX_GRUB_CFG)
		return;
	grubfix_next_menus(request, &menus, NULL);
	grubfix_xen_entry(request, &entry, NULL);
}

static void repair(enum grubfix_type type, const char *name, const struct grubfix_facts *facts,
		   const char *text, size_t length)
{
	CLEANUP(grubfix_result_done) struct grubfix_result once = { 0 };
	CLEANUP(grubfix_result_done) struct grubfix_result twice = { 0 };
	CLEANUP(err_clear) struct err err = { 0 };
	struct grubfix_request request = {
		.name = name, .text = text, .length = length, .type = type, .facts = facts
	};
	look(&request);
	int r = grubfix_run(&request, &once, &err);

	must(r != -ENOTRECOVERABLE, "not settled", err.text);
	if (r < 0)
		return;
	request.text = once.text;
	request.length = once.length;
	request.type = once.type;
	must(grubfix_run(&request, &twice, &err) == 0, "the second time fails", err.text);
	must(!twice.changed, "the second time changes it", once.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cpu_limit_start();
	if (size < HEAD_BYTES)
		return 0;
	enum grubfix_type type = GRUBFIX_UNKNOWN + 1 + data[0] % (GRUBFIX_TYPES - 1);
	const struct grubfix_facts facts = facts_of(data[1], data[2]);
	const char *name = name_of(type, data[2] / (COUNT(disks) * 3));
	size_t length = size - HEAD_BYTES;
	char *text = malloc(length + 1); /* its own, so that reading past the end is seen */

	memcpy(text, data + HEAD_BYTES, length);
	text[length] = '\0';
	round_trip(type, name, text, length);
	repair(type, name, &facts, text, length);
	free(text);
	return 0;
}
