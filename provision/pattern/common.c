/* What the systemd layers have in common: what they need, and what they can do without. */
#include "pattern/patterns.h"

#define DRIVERS(folder)                                                                            \
	"/lib/modules/*/kernel/" folder "/*", "/usr/lib/modules/*/kernel/" folder "/*"

const char *const system_modules[] = {
	"ahci",	 "ata_piix", "sd_mod", "xen-blkfront", "crc32c_generic", "ext4", "xen-netfront",
	"e1000", "8139cp",   "bridge", NULL,
};

const char *const no_such_hardware[] = {
	DRIVERS("drivers/gpu"),
	DRIVERS("drivers/media"),
	DRIVERS("drivers/net/wireless"),
	DRIVERS("drivers/net/wwan"),
	DRIVERS("drivers/infiniband"),
	DRIVERS("drivers/staging"),
	DRIVERS("drivers/iio"),
	DRIVERS("drivers/isdn"),
	DRIVERS("drivers/bluetooth"),
	DRIVERS("drivers/comedi"),
	DRIVERS("drivers/usb/serial"),
	DRIVERS("drivers/usb/gadget"),
	DRIVERS("drivers/hwmon"),
	DRIVERS("drivers/input/touchscreen"),
	DRIVERS("drivers/input/joystick"),
	DRIVERS("drivers/mtd"),
	DRIVERS("drivers/edac"),
	DRIVERS("drivers/firewire"),
	DRIVERS("drivers/nfc"),
	DRIVERS("drivers/soundwire"),
	DRIVERS("drivers/thunderbolt"),
	DRIVERS("net/bluetooth"),
	DRIVERS("net/mac80211"),
	DRIVERS("net/wireless"),
	DRIVERS("sound"),
	NULL,
};

const char *const idle_units[] = {
	"apt-daily.timer",
	"apt-daily-upgrade.timer",
	"dpkg-db-backup.timer",
	"e2scrub_all.timer",
	"e2scrub_reap.service",
	"fstrim.timer",
	"getty@tty1.service",
	"modprobe@configfs.service",
	"modprobe@dm_mod.service",
	"modprobe@drm.service",
	"modprobe@efi_pstore.service",
	"modprobe@fuse.service",
	"modprobe@loop.service",
	"dev-hugepages.mount",
	"dev-mqueue.mount",
	"proc-sys-fs-binfmt_misc.automount",
	"sys-fs-fuse-connections.mount",
	"sys-kernel-config.mount",
	"sys-kernel-debug.mount",
	"sys-kernel-tracing.mount",
	"systemd-binfmt.service",
	"systemd-pstore.service",
	"systemd-rfkill.socket",
	"systemd-update-utmp.service",
	"systemd-update-utmp-runlevel.service",
	NULL,
};

const char *const idle_generators[] = {
	"systemd-bless-boot-generator",
	"systemd-cryptsetup-generator",
	"systemd-gpt-auto-generator",
	"systemd-hibernate-resume-generator",
	"systemd-integritysetup-generator",
	"systemd-system-update-generator",
	"systemd-sysv-generator",
	"systemd-veritysetup-generator",
	NULL,
};
