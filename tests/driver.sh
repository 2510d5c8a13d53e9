# shellcheck shell=bash
# Drivers of the suites: small C programs on the libraries of the build folder. Sourced; expects B.

# With the sanitizers that the libraries were built with.
driver_build() { # SOURCE PROGRAM
	local sanitize=
	if nm "$B/libnestctl.a" 2> /dev/null | grep -q __asan_; then
		sanitize=-fsanitize=address,undefined
	fi
	mkdir -p "$(dirname "$2")"
	# shellcheck disable=SC2046,SC2086
	"${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O2 -g $sanitize -Iprovision "$1" \
		"$B/libnestctl.a" "$B/libgrubfix.a" "$B/libnestctl.a" -Wl,--as-needed $(pkg-config --libs \
			libparted blkid ext2fs com_err libarchive libcrypto yaml-0.1 jansson libcrypt \
			libcurl libmicrohttpd libzstd libssl) -o "$2"
}

# The same into the build folder, once.
driver_keep() { # SOURCE PROGRAM
	[[ -x $2 && $2 -nt $1 && $2 -nt $B/libnestctl.a ]] || driver_build "$1" "$2"
}
