# Shared by tests/image/run and tests/bench/tree: the driver, built once, and small helpers.
# Expects B (the build folder); makes $MAKER.
. tests/driver.sh
ROOT_START=$((65 * 1048576)) # of the root partition that maker makes on MBR

maker_build() {
	MAKER=${MAKER:-$B/tests/maker}
	[[ $MAKER != "$B"/* ]] || driver_keep tests/image/maker.c "$MAKER" || return 1
	MAKER=$(realpath "$MAKER")
}

# Are loop mounts allowed here? Found out by doing one.
can_mount() {
	local image=$1.probe status=1
	[[ $(id -u) == 0 ]] || return 1
	truncate -s 8M "$image" && mke2fs -q -F "$image" 2> /dev/null && mkdir -p "$1.mnt" &&
		mount -o loop "$image" "$1.mnt" 2> /dev/null && umount "$1.mnt" && status=0
	rm -rf "$image" "$1.mnt"
	return $status
}
