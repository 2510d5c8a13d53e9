# Small disk images and trees for tests/fix/run, made without nestctl: by sfdisk, mke2fs and mkswap.
# Expects to stand in the working folder.
ROOT_UUID=6f9b1c2e-0d5b-4a51-9f43-2f6c1c7e8a10
SWAP_UUID=0b7f7c56-6d2e-4a58-8a34-90c9ab4be0f1
BOOT_UUID=5c7d0f3a-98f4-4a33-9f20-1de1b6f7a001
MIB=1048576
KERNEL=3.0.101-63-xen

# What SUSE's installer writes under the PV driver: the disk is hda.
suse_tree() { # folder
	local tree=$1
	mkdir -p "$tree"/{boot/grub,etc/sysconfig,etc/init.d,sbin,lib/modules/$KERNEL}
	printf '#!/bin/sh\n' | tee "$tree/sbin/init" > "$tree/sbin/mkinitrd"
	chmod 755 "$tree"/sbin/*
	printf 'hypervisor' > "$tree/boot/xen.gz"
	printf 'kernel' > "$tree/boot/vmlinuz-$KERNEL"
	printf 'kernel' > "$tree/boot/vmlinuz-3.0.101-63-default"
	initrd_make "kernel/drivers/ata/ata_piix.ko" | gzip > "$tree/boot/initrd-$KERNEL"
	cp "$tree/boot/initrd-$KERNEL" "$tree/boot/initrd-3.0.101-63-default"
	cat > "$tree/boot/grub/menu.lst" << 'MENU'
# Modified by YaST2. Last modification on Wed Nov 18 10:00:00 JST 2015
default 0
timeout 8
##YaST - generic_mbr
gfxmenu (hd0,1)/boot/message
##YaST - activate

###Don't change this comment - YaST2 identifier: Original name: linux###
title SUSE Linux Enterprise Server 11 SP4 - 3.0.101-63
    root (hd0,1)
    kernel /boot/vmlinuz-3.0.101-63-default root=/dev/hda2 resume=/dev/hda1 splash=silent showopts
    initrd /boot/initrd-3.0.101-63-default

###Don't change this comment - YaST2 identifier: Original name: xen###
title Xen -- SUSE Linux Enterprise Server 11 SP4 - 3.0.101-63
    root (hd0,1)
    kernel /boot/xen.gz 
    module /boot/vmlinuz-3.0.101-63-xen root=/dev/hda2 resume=/dev/hda1 splash=silent showopts
    module /boot/initrd-3.0.101-63-xen
MENU
	chmod 600 "$tree/boot/grub/menu.lst"
	printf '(fd0)\t/dev/fd0\n(hd0)\t/dev/hda\n' > "$tree/boot/grub/device.map"
	printf 'setup --stage2=/boot/grub/stage2 --force-lba (hd0,1) (hd0,1)\nquit\n' > "$tree/etc/grub.conf"
	printf 'LOADER_TYPE="grub"\nDEFAULT_APPEND="resume=/dev/hda1 splash=silent"\nXEN_KERNEL_APPEND="resume=/dev/hda1"\n' \
		> "$tree/etc/sysconfig/bootloader"
	printf '/dev/hda1 swap swap defaults 0 0\n/dev/hda2 / ext3 acl,user_xattr 1 1\nproc /proc proc defaults 0 0\n' \
		> "$tree/etc/fstab"
}

# A cpio archive (newc) with these empty files, to standard output.
initrd_make() { # names
	python3 - "$@" << 'PY'
import sys
def member(name):
    head = "070701" + "".join("%08x" % n for n in
        (0, 0o100644, 0, 0, 1, 0, 0, 0, 0, 0, 0, len(name) + 1, 0))
    data = head.encode() + name.encode() + b"\0"
    return data + b"\0" * (-len(data) % 4)
sys.stdout.buffer.write(b"".join(member(n) for n in sys.argv[1:] + ["TRAILER!!!"]))
PY
}

swap_put() { # image, start and size in MiB
	truncate -s "$3M" swap.part && mkswap -q -U $SWAP_UUID -L swap swap.part > /dev/null &&
		dd if=swap.part of="$1" bs=$MIB seek="$2" conv=notrunc status=none
	rm -f swap.part
}
fs_put() { # image, start and size in MiB, type, UUID, tree
	mke2fs -q -F -t "$4" -U "$5" -d "$6" -E "offset=$(($2 * MIB))" "$1" "$3M" 2> mke2fs.log
}

# sda1 swap (8 MiB), sda2 root: the layout of the published procedure.
suse_image() { # image, tree, type of the file system
	rm -f "$1"
	truncate -s 48M "$1"
	printf 'label-id: 0x1234abcd\nstart=2048,size=16384,type=82\nstart=18432,type=83,bootable\n' |
		sfdisk -q --no-reread -X dos "$1" > /dev/null || return 1
	swap_put "$1" 1 8 && fs_put "$1" 9 39 "${3-ext3}" $ROOT_UUID "$2"
}
ROOT_AT=$((9 * MIB))

# sda1 /boot (16 MiB), sda2 swap, sda3 root.
boot_image() { # image, tree
	rm -rf "$1" boot.tree root.tree
	cp -a "$2" root.tree && mv root.tree/boot boot.tree && mkdir root.tree/boot
	truncate -s 64M "$1"
	printf 'start=2048,size=32768,type=83\nstart=34816,size=16384,type=82\nstart=51200,type=83\n' |
		sfdisk -q --no-reread -X dos "$1" > /dev/null || return 1
	fs_put "$1" 1 16 ext3 $BOOT_UUID boot.tree && swap_put "$1" 17 8 &&
		fs_put "$1" 25 39 ext3 $ROOT_UUID root.tree
}

# EFI system partition (MiB, FAT bits) with the files of a folder, then the root.
efi_image() { # image, size of the ESP in MiB, FAT bits, folder, tree
	rm -f "$1" esp.part
	truncate -s $(($2 + 42))M "$1"
	truncate -s "$2M" esp.part
	printf 'start=2048,size=%d,type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\ntype=L\n' $(($2 * 2048)) |
		sfdisk -q --no-reread -X gpt "$1" > /dev/null || return 1
	mkfs.fat -F "$3" -i 1234ABCD -s 1 esp.part > /dev/null && mcopy -s -i esp.part "$4"/* :: &&
		dd if=esp.part of="$1" bs=$MIB seek=1 conv=notrunc status=none &&
		fs_put "$1" $(($2 + 1)) 40 ext4 $ROOT_UUID "$5"
}
inside() { # image, path, start of the file system: the content
	debugfs -R "cat $2" "$1?offset=${3-$ROOT_AT}" 2> /dev/null
}
