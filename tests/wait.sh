# shellcheck shell=bash
# Waiting for what must come, in the place of sleeping and hoping. Sourced.

becomes() { # COMMAND...: it succeeds before two minutes are over, which is long on the busiest machine
	local end=$((SECONDS + 120))
	until "$@"; do
		((SECONDS < end)) || { echo "within two minutes it did not succeed: $*"; return 1; }
		sleep 0.1
	done
}

has_ended() { # PROCESS
	! kill -0 "$1" 2> /dev/null
}

stop_with() { # SIGNAL CHILD: its exit status; one that does not end is killed
	kill -"$1" "$2" 2> /dev/null
	becomes has_ended "$2" || kill -KILL "$2"
	wait "$2" 2> /dev/null
}

no_loop_over() { # FILE
	[[ -z $(losetup -j "$1") ]]
}

# Another program may hold the loop device a moment longer. The next mount would take it over, with the
# blocks of this image.
umount_image() { # MOUNT IMAGE
	umount "$1" && becomes no_loop_over "$2"
}
