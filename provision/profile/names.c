#include "profile/names.h"

const char *const role_names[] = { [ROLE_HOST] = "host", [ROLE_GUEST] = "guest", NULL };
const char *const hypervisor_names[] = {
	[HYPERVISOR_NONE] = "none", [HYPERVISOR_XEN] = "xen", NULL
};
const char *const os_family_names[] = {
	[OS_DEBIAN] = "debian",
	[OS_SUSE] = "suse",
	[OS_REDHAT] = "redhat",
	[OS_ESXI] = "esxi",
	[OS_XCPNG] = "xcp-ng",
	[OS_PROXMOX] = "proxmox",
	NULL,
};
const char *const machine_type_names[] = {
	[MACHINE_HVM] = "hvm", [MACHINE_PV] = "pv", [MACHINE_PVH] = "pvh", NULL
};
const char *const disk_bus_names[] = {
	[DISK_BUS_AHCI] = "ahci", [DISK_BUS_IDE] = "ide", [DISK_BUS_XEN] = "xen", NULL
};
const char *const nic_model_names[] = {
	[NIC_E1000] = "e1000", [NIC_RTL8139] = "rtl8139", [NIC_NETFRONT] = "netfront", NULL
};
const char *const table_kind_names[] = { [TABLE_MBR] = "mbr", [TABLE_GPT] = "gpt", NULL };
const char *const filesystem_kind_names[] = {
	[FILESYSTEM_SWAP] = "swap",
	[FILESYSTEM_EXT3] = "ext3",
	[FILESYSTEM_EXT4] = "ext4",
	[FILESYSTEM_VFAT] = "vfat",
	NULL,
};
const char *const boot_loader_names[] = {
	[BOOT_GRUB2_BIOS] = "grub2-bios", [BOOT_GRUB_LEGACY] = "grub-legacy",
	[BOOT_GRUB2_EFI] = "grub2-efi",	  [BOOT_XEN_EFI] = "xen-efi",
	[BOOT_DIRECT] = "direct",	  NULL,
};

int name_index(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++)
		if (str_equal(names[i], name))
			return i;
	return -1;
}

char *names_list(const char *const *names)
{
	CLEANUP(strv_done) struct strv list = { 0 };

	for (; *names; names++)
		strv_add(&list, *names);
	return strv_join(&list, ", ");
}

const char *role_name(enum role role)
{
	return role_names[role];
}

const char *hypervisor_name(enum hypervisor hypervisor)
{
	return hypervisor_names[hypervisor];
}

const char *os_family_name(enum os_family_id family)
{
	return os_family_names[family];
}

const char *machine_type_name(enum machine_type type)
{
	return machine_type_names[type];
}

const char *disk_bus_name(enum disk_bus bus)
{
	return disk_bus_names[bus];
}

const char *nic_model_name(enum nic_model nic)
{
	return nic_model_names[nic];
}

const char *table_kind_name(enum table_kind table)
{
	return table_kind_names[table];
}

const char *filesystem_kind_name(enum filesystem_kind kind)
{
	return filesystem_kind_names[kind];
}

const char *boot_loader_name(enum boot_loader loader)
{
	return boot_loader_names[loader];
}
