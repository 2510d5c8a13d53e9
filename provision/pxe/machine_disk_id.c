/* Sources: systemd's rules.d/60-persistent-storage.rules (the names), SPC-4 7.8.6 and 7.8.15 (the
 * vital product data pages 0x80 and 0x83), Linux drivers/ata/libata-scsi.c (what they hold for
 * ATA).
 */
#include "pxe/machine_disk_id.h"

#include <ctype.h>
#include <string.h>

#include "base/fs.h"

#define FACT_MAX_BYTES	4096
#define PAGE_HEAD_BYTES 4
#define DESIGNATOR_T10	1
#define DESIGNATOR_EUI	2
#define DESIGNATOR_NAA	3
#define ATA_VENDOR	"ATA     "
#define ATA_MODEL_BYTES 40

/* Files of sysfs may hold NULs and say nothing true of their size. */
static size_t bytes_read(const char *folder, const char *file, char ret_bytes[FACT_MAX_BYTES + 1])
{
	CLEANUP(free_cleanup) char *path = path_join(folder, file);
	CLEANUP(free_cleanup) char *data = NULL;
	size_t length = 0;

	if (file_read(path, FACT_MAX_BYTES, &data, &length, NULL) < 0)
		return 0;
	memcpy(ret_bytes, data, length);
	ret_bytes[length] = '\0';
	return length;
}

static char *trimmed(const char *text, size_t length)
{
	while (length > 0 && isspace((unsigned char)*text)) {
		text++;
		length--;
	}
	while (length > 0 && (isspace((unsigned char)text[length - 1]) || !text[length - 1]))
		length--;
	return str_format("%.*s", (int)length, text);
}

char *machine_disk_fact(const char *folder, const char *file)
{
	char bytes[FACT_MAX_BYTES + 1];
	size_t length = bytes_read(folder, file, bytes);

	return trimmed(bytes, length);
}

/* As udev does: blanks between words become one _, what is odd in a file name too. */
static char *name_part(const char *text)
{
	CLEANUP(buf_done) struct buf name = { 0 };

	for (const char *c = text; *c; c++) {
		bool blank = isspace((unsigned char)*c);

		if (blank && (c == text || isspace((unsigned char)c[-1])))
			continue;
		buf_format(&name, "%c",
			   isalnum((unsigned char)*c) || strchr("#+-.:=@_", *c) ? *c : '_');
	}
	return str_copy(buf_str(&name));
}

static void id_add(struct strv *ids, const char *kind, const char *first, const char *second)
{
	CLEANUP(free_cleanup) char *one = name_part(first);
	CLEANUP(free_cleanup) char *two = name_part(second);

	if (*one && *two)
		strv_format(ids, "%s-%s_%s", kind, one, two);
}

/* ---- SCSI, and ATA disks that the kernel shows as such ---- */

/* One designator of page 0x83: type, its bytes. */
static void designator_add(unsigned type, const char *bytes, size_t length, struct strv *ids)
{
	CLEANUP(buf_done) struct buf hex = { 0 };

	if (type == DESIGNATOR_T10 && length > strlen(ATA_VENDOR) + ATA_MODEL_BYTES &&
	    memcmp(bytes, ATA_VENDOR, strlen(ATA_VENDOR)) == 0) {
		const char *model = bytes + strlen(ATA_VENDOR);
		CLEANUP(free_cleanup) char *first = trimmed(model, ATA_MODEL_BYTES);
		CLEANUP(free_cleanup)
		char *second = trimmed(model + ATA_MODEL_BYTES,
				       length - strlen(ATA_VENDOR) - ATA_MODEL_BYTES);

		id_add(ids, "ata", first, second);
	}
	if (type != DESIGNATOR_NAA && type != DESIGNATOR_EUI)
		return;
	for (size_t i = 0; i < length; i++)
		buf_format(&hex, "%02x", (unsigned char)bytes[i]);
	strv_format(ids, "scsi-%u%s", type, buf_str(&hex));
	if (type == DESIGNATOR_NAA)
		strv_format(ids, "wwn-0x%s", buf_str(&hex));
}

static void page_83_read(const char *folder, struct strv *ids)
{
	char page[FACT_MAX_BYTES + 1];
	size_t length = bytes_read(folder, "device/vpd_pg83", page), at = PAGE_HEAD_BYTES;

	while (length >= 4 && at <= length - 4) {
		unsigned association = (unsigned char)page[at + 1] >> 4 & 3;
		unsigned type = (unsigned char)page[at + 1] & 15;
		size_t part = (unsigned char)page[at + 3];

		at += 4;
		if (part > length - at)
			return;
		if (association == 0) /* of the disk, not of its port */
			designator_add(type, page + at, part, ids);
		at += part;
	}
}

static char *page_80_serial(const char *folder)
{
	char page[FACT_MAX_BYTES + 1];
	size_t length = bytes_read(folder, "device/vpd_pg80", page);

	return length > PAGE_HEAD_BYTES ? trimmed(page + PAGE_HEAD_BYTES, length - PAGE_HEAD_BYTES)
					: str_copy("");
}

/* ---- any ---- */

void machine_disk_identify(const char *folder, const char *name, char **ret_model,
			   char **ret_serial, struct strv *ids)
{
	CLEANUP(free_cleanup) char *model = machine_disk_fact(folder, "device/model");
	CLEANUP(free_cleanup) char *serial = machine_disk_fact(folder, "serial");

	if (!*serial) {
		free(serial);
		serial = machine_disk_fact(folder, "device/serial");
	}
	if (!*serial) {
		free(serial);
		serial = page_80_serial(folder);
	}
	if (str_starts(name, "vd") && *serial) {
		strv_format(ids, "virtio-%s", serial);
	} else if (str_starts(name, "nvme")) {
		CLEANUP(free_cleanup) char *wwid = machine_disk_fact(folder, "wwid");

		if (*wwid)
			strv_format(ids, "nvme-%s", wwid);
		id_add(ids, "nvme", model, serial);
	} else {
		page_83_read(folder, ids);
	}
	*ret_model = take(&model);
	*ret_serial = take(&serial);
}
