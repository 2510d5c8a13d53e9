# shellcheck shell=bash
# What tests/fuzz/run and tests/fuzz/afl share: the inputs that they begin with, and how the programs
# are built. Expects to stand in the top folder; out is where all of it goes.

# An input for grubfix is three bytes (syntax, wishes, disk) and the text: every fixture in every
# syntax, and what broke it once. The same each time.
corpus_grubfix() { # folder
	rm -rf "$1"
	mkdir -p "$1"
	python3 - "$1" << 'PY'
import pathlib, sys
number = 0
cases = pathlib.Path("tests/grubfix")
for path in sorted(cases.rglob("*")):
    if not path.is_file() or path.parent == cases or path.name in ("command", "expected", "files"):
        continue
    text = path.read_bytes()[:16384]
    for syntax in range(16):
        number += 37
        head = bytes((syntax, number % 256, number // 15 % 256))
        pathlib.Path(sys.argv[1], str(number)).write_bytes(head + text)
PY
	cp tests/fuzz/found/grubfix-* "$1"
}

# Initrds of every compression, with and without microcode in front.
corpus_initrd() { # folder
	rm -rf "$1"
	mkdir -p "$1"
	python3 - "$1" << 'PY'
import bz2, gzip, lzma, sys
def cpio(*names):
    out = b""
    for name in names + ("TRAILER!!!",):
        head = "070701" + "".join("%08x" % n for n in (0, 0o100644, 0, 0, 1, 0, 4, 0, 0, 0, 0, len(name) + 1, 0))
        member = head.encode() + name.encode() + b"\0"
        member += b"\0" * (-len(member) % 4)
        out += member + (b"data" if name != "TRAILER!!!" else b"")
    return out
# a trailer with data is damaged, and that is a case too
plain = cpio("init", "lib/modules/ahci.ko")
early = cpio("kernel/x86/microcode/GenuineIntel.bin")
for name, data in (("plain", plain), ("gzip", gzip.compress(plain)), ("xz", lzma.compress(plain, check=lzma.CHECK_CRC32)),
                   ("lzma", lzma.compress(plain, format=lzma.FORMAT_ALONE)), ("bzip2", bz2.compress(plain)),
                   ("old", b"\xc7\x71" + plain[:80]), ("odc", b"070707" + b"0" * 70)):
    for front, before in (("", b""), ("early-", early + b"\0" * 40), ("twice-", early + early)):
        open(f"{sys.argv[1]}/{front}{name}", "wb").write(before + data)
PY
	local tool
	for tool in zstd lz4; do
		command -v $tool > /dev/null || continue
		$tool -q -c "$1/plain" > "$1/$tool"
		cat "$1/early-plain" "$1/$tool" > "$1/early-$tool"
	done
}

# The program without a main of its own: the fuzzer's comes with the sanitizers or the sources.
build() { # TARGET COMPILER SANITIZERS EXTRA...
	local target=$1 compiler=$2 sanitizers=$3 source sources=() libraries=()
	shift 3
	if [[ $target == grubfix ]]; then
		for source in grubfix/*.c; do
			case $source in
			grubfix/main.c | grubfix/input.c | grubfix/options.c | grubfix/option_facts.c) continue ;;
			esac
			sources+=("$source")
		done
	else
		sources=(provision/fix/cpio.c)
		libraries=(-larchive)
	fi
	"$compiler" -std=gnu11 -D_GNU_SOURCE -O1 -g -fsanitize="$sanitizers" -fno-sanitize-recover=all \
		-Iprovision -I. "tests/fuzz/$target.c" "${sources[@]}" provision/base/err.c \
		provision/base/str.c "$@" "${libraries[@]}" -o "$out/$target"
}
