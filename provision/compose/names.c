#include "compose/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "pattern/pattern.h"

/* 2024-01-01: any fixed day serves; one that is past keeps `make` and TLS in the layer content. */
#define COMPOSE_TIME INT64_C(1704067200)

int64_t compose_time_seconds(void)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end = NULL;

	if (!text || !*text)
		return COMPOSE_TIME;
	errno = 0;
	long long seconds = strtoll(text, &end, 10);
	return errno || *end || seconds < 0 ? COMPOSE_TIME : seconds;
}

void compose_uuid(const char *stack_name, const struct layer *layer, const char *part,
		  uint8_t ret_uuid[16])
{
	CLEANUP(free_cleanup) char *name = str_format("%s/%s/%s", stack_name, layer->name, part);

	hash_uuid(name, ret_uuid);
}

char *compose_uuid_text(const char *stack_name, const struct layer *layer, const char *part)
{
	char *text = mem_alloc(37);
	uint8_t uuid[16];

	compose_uuid(stack_name, layer, part, uuid);
	uuid_text(uuid, text);
	return text;
}

char *compose_partition_part(const struct disk_spec *disk, size_t index)
{
	if (str_equal(disk->partitions[index].mount_point, "/"))
		return str_copy("root");
	return str_format("part%zu", index + 1);
}

uint32_t compose_fat_id(const uint8_t uuid[16])
{
	return (uint32_t)uuid[0] << 24 | (uint32_t)uuid[1] << 16 | (uint32_t)uuid[2] << 8 | uuid[3];
}

/* The words of several texts, one blank between them; empty texts leave no blank. */
static char *words_join(const char *const *texts, size_t count)
{
	struct buf all = { 0 };

	buf_text(&all, "");
	for (size_t i = 0; i < count; i++) {
		if (!texts[i] || !*texts[i])
			continue;
		buf_format(&all, "%s%s", all.length ? " " : "", texts[i]);
	}
	return all.data;
}

#define WORDS(...)                                                                                 \
	words_join((const char *const[]){ __VA_ARGS__ },                                           \
		   sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* What a machine inside another one needs under QEMU's emulated SVM (TCG, seen with 7.2).
 *
 * A clock tick that goes on while it is idle: the interrupt shadow of STI is not kept when VMRUN
 * enters the machine, an interrupt comes between the STI and the HLT of an idle loop, and the HLT
 * sleeps on the work that it brought. Where that work is to set the next timer, the machine sleeps
 * for good. Xen (4.15 and later; an older one ignores the word) then has the HPET's 100 Hz, Linux
 * its tick.
 *
 * Devices of an inner Xen host that interrupt by the IO-APIC: an interrupt that VMRUN injects can
 * be delivered twice before the machine leaves to its host again, whatever the interrupt flag says
 * (the vector stays in exception_index, and a kick of the virtual processor takes it for one that
 * is yet to come). In Xen's do_IRQ that is a deadlock on the lock of that interrupt. An MSI is
 * handled to its end under the lock; the IO-APIC is told first, which leaves to the host. */
static const char *when_inside(const struct layer *layer, const char *arguments)
{
	return layer->outer && layer->machine.type == MACHINE_HVM ? arguments : NULL;
}

char *hypervisor_arguments(const struct layer *layer)
{
	unsigned long long mib = layer->dom0_memory_bytes >> 20;
	CLEANUP(free_cleanup)
	char *memory = mib ? str_format("dom0_mem=%lluM,max:%lluM", mib, mib) : NULL;

	return WORDS("console=com1 com1=115200,8n1", memory, layer->pattern->hypervisor_args,
		     when_inside(layer, "hpet=legacy-replacement=1"), layer->hypervisor_args);
}

char *dom0_arguments(const struct layer *layer)
{
	return WORDS("ro console=hvc0 net.ifnames=0", layer->pattern->kernel_args,
		     when_inside(layer, "pci=nomsi"), layer->kernel_args);
}

char *linux_arguments(const struct layer *layer)
{
	return WORDS("ro console=ttyS0,115200n8 net.ifnames=0", layer->pattern->kernel_args,
		     when_inside(layer, "nohz=off"), layer->kernel_args);
}

char *direct_boot_arguments(const char *stack_name, const struct layer *layer)
{
	CLEANUP(free_cleanup) char *uuid = compose_uuid_text(stack_name, layer, "root");
	CLEANUP(free_cleanup)
	char *root = layer->pattern->initramfs == INITRAMFS_ROOT ? str_format("root=UUID=%s", uuid)
								 : NULL;

	return WORDS(root, "ro console=hvc0 net.ifnames=0", layer->pattern->kernel_args,
		     layer->kernel_args);
}
