# shellcheck shell=bash
# More of tests/fix/run, which sources it: media made by the real tools, what must survive an edit,
# names that only other files explain, and menus that load menus.

# --- what nestctl cannot open, as the real tools make it ------------------------------------------
real() { # size in MiB, what it is called, remedy, command that formats the file "part"
	local size=$1 called=$2 remedy=$3
	shift 3
	rm -f part image && truncate -s "${size}M" part && "$@" && truncate -s $((size + 10))M image &&
		printf 'start=2048,size=16384,type=82\nstart=18432,type=83\n' | sfdisk -q --no-reread -X dos image > sfdisk.log &&
		dd if=part of=image bs=$MIB seek=9 conv=notrunc,sparse status=none && truncate -s $((size + 10))M image &&
		refused image "image: partition 2 holds $called, which nestctl cannot open by itself: attach the image with losetup -P,\
 $remedy and run nestctl fix --root DIR" &&
		refused part "part: the whole image, which has no partition table, holds $called, which nestctl cannot open by itself:\
 attach the image with losetup -P, $remedy and run nestctl fix --root DIR"
	local status=$?
	rm -f part image
	return $status
}
luks() { # type
	printf secret | cryptsetup luksFormat -q --type "$1" ${2:+--pbkdf "$2"} --pbkdf-force-iterations 1000 part -
}
pv() {
	local device
	device=$(losetup -f --show part) || return 1
	pvcreate -q -y --config 'devices { use_devicesfile=0 obtain_device_list_from_udev=0 external_device_info_source="none" }' "$device"
	local status=$?
	losetup -d "$device"
	return $status
}
has_loop() {
	local device
	device=$(losetup -f --show suse.raw 2> losetup.log) && losetup -d "$device"
}
for row in "mkfs.xfs|an xfs root by mkfs.xfs|320|an xfs file system|mount it|mkfs.xfs -q part" \
	"mkfs.btrfs|a btrfs root by mkfs.btrfs|120|a btrfs file system|mount it|mkfs.btrfs -q part" \
	"cryptsetup|LUKS 1 by cryptsetup|16|a LUKS container|open it with cryptsetup open, mount the root|luks luks1" \
	"cryptsetup|LUKS 2 by cryptsetup|32|a LUKS container|open it with cryptsetup open, mount the root|luks luks2 pbkdf2" \
	"pvcreate|LVM by pvcreate|32|an LVM physical volume|activate it with vgchange -ay, mount the root|pv"; do
	IFS='|' read -r tool name size called remedy command <<< "$row"
	if ! command -v "$tool" > /dev/null; then
		skip "$name" "$tool is missing"
	elif [[ $command == pv ]] && ! has_loop; then
		skip "$name" "no loop devices here"
	else
		# shellcheck disable=SC2086 # the command and its arguments
		ok "$name" real "$size" "$called" "$remedy" $command
	fi
done
xfs_boot() { # the root can be opened, its /boot cannot
	rm -rf tree && cp -a suse tree && rm -r tree/boot/* && printf '/dev/sda1 /boot xfs defaults 1 2\n/dev/sda2 / ext3 defaults 1 1\n' > tree/etc/fstab &&
		truncate -s 360M image && printf 'start=2048,size=655360,type=83\nstart=657408,type=83\n' |
		sfdisk -q --no-reread -X dos image > sfdisk.log && truncate -s 320M part && mkfs.xfs -q part &&
		dd if=part of=image bs=$MIB seek=1 conv=notrunc,sparse status=none && fs_put image 321 39 ext3 $ROOT_UUID tree &&
		refused image "image: /boot is partition 1, which holds xfs: mount the system and run nestctl fix --root DIR"
	local status=$?
	rm -f part image
	return $status
}
if command -v mkfs.xfs > /dev/null; then
	ok "a /boot on xfs" xfs_boot
else
	skip "a /boot on xfs" "mkfs.xfs is missing"
fi
ok "a file system cut short, no partition table" eval 'truncate -s 40M other && fs_put other 0 40 ext3 $ROOT_UUID suse && truncate -s 20M other;
	refused other "other: the file system has 40960 blocks of 1024 bytes, its partition 20971520 bytes: the image is cut short or\
 the partition too small"'
gpt_cut() {
	truncate -s 64M image && printf 'label: gpt\nstart=18432,type=L\n' | sfdisk -q --no-reread image > sfdisk.log &&
		fs_put image 9 40 ext4 $ROOT_UUID suse && truncate -s 50M image &&
		refused image "image: its partition table ends at sector 131071, the image has 102400: it is cut short"
}
ok "a GPT image cut short" gpt_cut
ok "a menu of 100 MiB" content 'truncate -s 100M tree/boot/grub/menu.lst' \
	"/boot/grub/menu.lst has more than 4194304 bytes: it is not what its name says"

# --- menus that load each other -------------------------------------------------------------------
round="GRUB would go round and never start a kernel; take that configfile or source line out"
chained() { # menu.lst, other.lst
	printf "default 0\ntitle A\n%b" "$1" > tree/boot/grub/menu.lst
	printf "default 0\ntitle B\n%b" "$2" > tree/boot/grub/other.lst
}
ok "menus in a circle" content 'chained "root (hd0,1)\nconfigfile /boot/grub/other.lst\n" "configfile (hd0,1)/boot/grub/menu.lst\n"' \
	"/boot/grub/menu.lst is loaded again by the menus that it loads (/boot/grub/menu.lst, /boot/grub/other.lst): $round"
ok "a menu that loads itself" content 'chained "configfile /boot/grub/menu.lst\n" ""' \
	"/boot/grub/menu.lst is loaded again by the menus that it loads (/boot/grub/menu.lst): $round"
ok "menus of GRUB 2 in a circle" content 'rm tree/boot/grub/*; printf "set prefix=(\$root)/boot/grub\nsource \$prefix/custom.cfg\n\
menuentry x {\n\tlinux /boot/vmlinuz\n}\n" > tree/boot/grub/grub.cfg; printf "configfile /boot/grub/grub.cfg\n" > tree/boot/grub/custom.cfg' \
	"/boot/grub/grub.cfg is loaded again by the menus that it loads (/boot/grub/grub.cfg, /boot/grub/custom.cfg): $round"
no_circle() { # each way out of it
	local case
	for case in 'chained "root (hd0,4)\nconfigfile /boot/grub/menu.lst\n" ""' \
		'chained "configfile (hd0,4)/boot/grub/menu.lst\n" ""' \
		'chained "chainloader +1\ntitle again\nconfigfile /boot/grub/menu.lst\n" ""' \
		'printf "title again\nconfigfile /boot/grub/menu.lst\n" >> tree/boot/grub/menu.lst; sed -i "s/default 0/default 2/" tree/boot/grub/menu.lst' \
		'rm tree/boot/grub/*; printf "if [ -z \$once ]; then\nset once=1\nconfigfile /boot/grub/grub.cfg\nfi\nmenuentry x {\n\tlinux /vmlinuz\n}\n" > tree/boot/grub/grub.cfg' \
		'rm tree/boot/grub/*; printf "search --set=root --label other\nconfigfile /boot/grub/grub.cfg\n" > tree/boot/grub/grub.cfg'; do
		rm -rf tree && cp -a suse tree && eval "$case" && suse_image image tree && "$NESTCTL" fix image --dry-run || { echo "$case"; return 1; }
	done
}
ok "menus in no circle: another disk, another entry, a condition" no_circle

# --- names that other files explain ---------------------------------------------------------------
renamed() { # sed of the menu and fstab, and of device.map
	rm -rf tree && cp -a suse tree && sed -i "$1" tree/boot/grub/menu.lst && sed -i "$2" tree/etc/fstab &&
		printf "$3" > tree/boot/grub/device.map && suse_image image tree && "$NESTCTL" fix image && clean image &&
		inside image /boot/grub/menu.lst > menu && ! grep -q 'root=/dev\|resume=/dev' menu && grep -q "root=UUID=$ROOT_UUID resume=UUID=$SWAP_UUID" menu &&
		inside image /etc/fstab > fstab && has fstab "UUID=$ROOT_UUID / ext3 acl,user_xattr 1 1" && has fstab "UUID=$SWAP_UUID swap swap defaults 0 0"
}
ok "the disk's name by device.map" renamed 's,/dev/hda,/dev/sdb,' 's,/dev/hda,/dev/sdb,' '(hd1)\t/dev/sda\n(hd0)\t/dev/sdb\n'
ok "the disk's name by fstab" renamed 's,/dev/hda,/dev/sdc,' 's,/dev/hda,/dev/sdc,' '(hd0)\t/dev/sda\n'
ok "the disk's name by fstab, with a p" renamed 's,/dev/hda,/dev/cciss/c1d0p,' 's,/dev/hda,/dev/cciss/c1d0p,' '(hd0)\t/dev/sda\n'
fstab_elsewhere() { # its number is another one: that is no name of this disk
	rm -rf tree && cp -a suse tree && sed -i 's,/dev/hda2,/dev/sdc3,' tree/boot/grub/menu.lst tree/etc/fstab && suse_image image tree && local before &&
		before=$(sum image) && ! "$NESTCTL" fix image 2> said && grep -q 'root=/dev/sdc3 cannot be resolved' said && [[ $(sum image) == "$before" ]]
}
ok "a name in fstab with the number of another partition" fstab_elsewhere

# --- what stays as it was -------------------------------------------------------------------------
attributes() { # path: mode, owner, extended attributes
	debugfs -R "stat $1" "image?offset=$ROOT_AT" 2> debugfs.log | grep -o 'Mode: *[0-7]*\|User: *[0-9]*\|Group: *[0-9]*'
	debugfs -R "ea_list $1" "image?offset=$ROOT_AT" 2> debugfs.log
}
kept() {
	rm -rf tree && cp -a suse tree && chown 12:34 tree/etc/fstab && chmod 4640 tree/etc/fstab && suse_image image tree &&
		printf 'system_u:object_r:etc_t:s0\0' > label && head -c 600 /dev/urandom > large &&
		debugfs -w -R "ea_set -f label /etc/fstab security.selinux" "image?offset=$ROOT_AT" &&
		debugfs -w -R "ea_set -f large /etc/fstab user.large" "image?offset=$ROOT_AT" && clean image && attributes /etc/fstab > before &&
		grep -q selinux before && "$NESTCTL" fix image && clean image && attributes /etc/fstab | diff before - &&
		attributes /etc/fstab.nestctl-orig | diff before -
}
ok "owner, mode and extended attributes, of the backup too" kept
grub_d() { # a backup there must not become a script of grub-mkconfig's
	rm -rf tree && cp -a suse tree && mkdir -p tree/etc/grub.d && printf '#!/bin/sh\nexec tail -n +3 $0\nmenuentry "our Xen" {\n\tmultiboot2 /boot/xen.gz
\tmodule2 /boot/vmlinuz-%s root=/dev/hda2\n\tmodule2 /boot/initrd-%s\n}\n' $KERNEL $KERNEL > tree/etc/grub.d/40_custom && chmod 755 tree/etc/grub.d/40_custom && cp -a tree other.tree &&
		suse_image image tree && "$NESTCTL" fix image && clean image && inside image /etc/grub.d/40_custom | grep -q "root=UUID=$ROOT_UUID" &&
		attributes /etc/grub.d/40_custom | grep -q 'Mode: *0755' && attributes /etc/grub.d/40_custom.nestctl-orig | grep -q 'Mode: *0644' &&
		"$NESTCTL" fix --root other.tree --root-uuid $ROOT_UUID --skip resume && [[ -x other.tree/etc/grub.d/40_custom ]] &&
		[[ -e other.tree/etc/grub.d/40_custom.nestctl-orig && ! -x other.tree/etc/grub.d/40_custom.nestctl-orig ]]
	local status=$?
	rm -rf other.tree
	return $status
}
ok "/etc/grub.d/40_custom, and a backup that cannot be run" grub_d
read_only() { # the second file cannot be written: the first is as it was, its backup gone
	rm -rf tree && cp -a suse tree && mount --bind tree/etc tree/etc && mount -o remount,ro,bind tree/etc
	fails 1 "nestctl: tree: the repair failed, what was there is back: tree: writing /etc/sysconfig/bootloader: /etc/sysconfig/bootloader.nestctl-orig:\
 cannot be written: Read-only file system" "$NESTCTL" fix --root tree --root-uuid $ROOT_UUID --swap-uuid $SWAP_UUID
	local status=$?
	umount tree/etc
	[[ $status == 0 ]] && diff -r suse tree && [[ $(stat -c %a tree/boot/grub/menu.lst) == 600 ]]
}
if mkdir -p mnt && mount --bind mnt mnt 2> mount.log; then
	umount mnt
	ok "--root DIR: a write that fails is rolled back" read_only
else
	skip "--root DIR: a write that fails is rolled back" "no mounts here"
fi

# --- the default of GRUB 2 ------------------------------------------------------------------------
saved() { # without a grubenv, with an empty one, with one
	rm -rf tree && cp -a suse tree && rm -r tree/boot/grub && mkdir tree/boot/grub tree/etc/default && printf 'GRUB_DEFAULT=saved\n' > tree/etc/default/grub &&
		printf 'load_env\nset default="${saved_entry}"\nmenuentry linux {\n\tlinux /boot/vmlinuz-%s root=/dev/hda2\n}\nsubmenu more --id more {\n\tmenuentry xen --id x {
\t\tmultiboot2 /boot/xen.gz\n\t\tmodule2 /boot/vmlinuz-%s root=/dev/hda2\n\t}\n}\n' $KERNEL $KERNEL > tree/boot/grub/grub.cfg &&
		cp -a tree other.tree && suse_image image tree && "$NESTCTL" fix image && inside image /boot/grub/grub.cfg | grep -qxF 'set default="more>x"' &&
		inside image /etc/default/grub | grep -qxF 'GRUB_DEFAULT="more>x"' && [[ $("$NESTCTL" fix image) == "image: nothing to change" ]] &&
		: > tree/boot/grub/grubenv && suse_image image tree && "$NESTCTL" fix image > said && inside image /etc/default/grub | grep -qxF 'GRUB_DEFAULT="more>x"' &&
		has said "/boot/grub/grubenv is left: it is empty, which GRUB takes as missing" &&
		printf '# GRUB Environment Block\nsaved_entry=linux\n%0981d' 0 | tr 0 '#' > other.tree/boot/grub/grubenv && head -c 1024 other.tree/boot/grub/grubenv |
		cmp - other.tree/boot/grub/grubenv && suse_image image other.tree && "$NESTCTL" fix image && inside image /boot/grub/grub.cfg |
		grep -qxF 'set default="${saved_entry}"' && inside image /boot/grub/grubenv > grubenv && has grubenv "saved_entry=more>x" && inside image /etc/default/grub | grep -qxF GRUB_DEFAULT=saved && [[ $(stat -c %s grubenv) == 1024 ]]
	local status=$?
	rm -rf other.tree
	return $status
}
ok "a saved entry of GRUB 2, with a grubenv and without" saved
ok "--root DIR, the UUID from its fstab in quotes" eval 'rm -rf tree; cp -a suse tree; printf "UUID=\"%s\" / ext3 defaults 1 1\n" $ROOT_UUID > tree/etc/fstab;
	"$NESTCTL" fix --root tree --skip resume && grep -q "root=UUID=$ROOT_UUID " tree/boot/grub/menu.lst'

# --- xen.cfg and the files beside it --------------------------------------------------------------
beside() {
	rm -rf tree && cp -a suse tree && rm -r tree/boot/grub && mkdir -p tree/boot/efi/EFI/xen && printf '[global]\ndefault=old\n\n[old]\nkernel=vmlinuz-old root=/dev/hda2
[new]\nkernel=vmlinuz-%s root=/dev/hda2\nramdisk=initrd\n' $KERNEL > tree/boot/efi/EFI/xen/xen.cfg && printf k > tree/boot/efi/EFI/xen/vmlinuz-$KERNEL &&
		initrd_make init | gzip > tree/boot/efi/EFI/xen/initrd && "$NESTCTL" fix --root tree --root-uuid $ROOT_UUID > said &&
		has tree/boot/efi/EFI/xen/xen.cfg "default=new" &&
		has said "/boot/efi/EFI/xen/xen.cfg:5: missing-file: vmlinuz-old does not exist in the image (/boot/efi/EFI/xen/vmlinuz-old)" &&
		grep -q '^/boot/efi/EFI/xen/initrd has no driver for a disk' said
}
ok "xen.cfg: a section whose files are missing, the initrd" beside
stub() { # the small menu of the EFI partition
	rm -rf tree esp && cp -a suse tree && mkdir -p tree/boot/efi esp/EFI/debian && printf 'UUID=1234-ABCD /boot/efi vfat umask=0022 0 0\n/dev/hda2 / ext4 defaults 1 1\n' \
		> tree/etc/fstab && printf 'search.fs_uuid %s root hd0,gpt1\nset prefix=($root)'\''/boot/grub'\''\nconfigfile $prefix/grub.cfg\n' $BOOT_UUID \
		> esp/EFI/debian/grub.cfg && efi_image image 8 16 esp tree && "$NESTCTL" fix image && clean image $((9 * MIB)) &&
		dd if=image of=esp.part bs=$MIB skip=1 count=8 status=none && mtype -i esp.part ::/EFI/debian/grub.cfg > menu && grep -q "^search.fs_uuid $ROOT_UUID root" menu
}
if command -v mkfs.fat > /dev/null && command -v mcopy > /dev/null; then
	ok "GPT and UEFI: the menu on the EFI partition" stub
else
	skip "GPT and UEFI: the menu on the EFI partition" "mtools or dosfstools are missing"
fi

# --- a menu by ftp --------------------------------------------------------------------------------
ftp_python=
for python in python3 /usr/bin/python3; do
	[[ $ftp_python ]] || ! $python -c 'import pyftpdlib' 2> python.log || ftp_python=$python
done
from_ftp() {
	$ftp_python -m pyftpdlib -i 127.0.0.1 -p 0 -d "$work" > ftp.log 2>&1 &
	local ftp=$! port
	becomes grep -q 'starting FTP server on 127.0.0.1:[1-9]' ftp.log
	port=$(sed -n 's/.*starting FTP server on 127.0.0.1:\([0-9]*\).*/\1/p' ftp.log)
	copy image && "$NESTCTL" fix image --menu-from "ftp://127.0.0.1:$port/outer.lst" && fitted image && copy image &&
		! "$NESTCTL" fix image --menu-from "ftp://127.0.0.1:$port/none" 2> said && grep -q "^nestctl: ftp://127.0.0.1:$port/none: cannot be fetched: " said &&
		[[ $(sum image) == $(sum suse.raw) ]]
	local status=$?
	kill $ftp
	wait $ftp 2> wait.log
	return $status
}
if [[ $ftp_python ]]; then
	ok "--menu-from ftp://" from_ftp
else
	skip "--menu-from ftp://" "pyftpdlib is missing"
fi
