# nestctl: `make help` lists what can be made. Needs GNU make and a C compiler; `make deps` (part
# of demo and check) installs the rest on Debian 12 and 13.

CC       ?= gcc
MUSL_CC  ?= musl-gcc
prefix   ?= /usr/local
B        ?= build
VERSION  := 0.1.0

STANDARD := -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2
CFLAGS   ?= -O2 -g
LIBRARIES := libparted blkid ext2fs com_err libarchive libcrypto yaml-0.1 jansson libcrypt libcurl \
	libmicrohttpd libzstd libssl
DATA     := -DNESTCTL_VERSION='"$(VERSION)"' -DNESTCTL_DATA_DIR='"$(prefix)/share/nestctl"'

# pkg-config runs only where something is compiled: before `make deps` there is none.
PKG_CFLAGS = $(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null)

SOURCES  := $(filter-out provision/main.c $(wildcard provision/agent/*.c),$(wildcard provision/*/*.c))
GRUBFIX  := $(filter-out grubfix/main.c,$(wildcard grubfix/*.c))
AGENT    := $(wildcard provision/agent/*.c)
UNITS    := $(patsubst tests/unit/%.c,$B/unit/%,$(wildcard tests/unit/test_*.c))
ALL_C    := $(wildcard provision/*.[ch] provision/*/*.[ch] grubfix/*.[ch] tests/*/*.[ch] \
	tests/media/lookalike/*.[ch])

objects   = $(patsubst %.c,$B/obj/%.o,$(1))
# Hidden: a function of ours must not take the place of a library's own of the same name (libparted
# has a fat_free too).
COMPILE   = $(CC) $(STANDARD) $(WARNINGS) $(CFLAGS) -fvisibility=hidden -MMD -MP -Iprovision -I. $(DATA) $(PKG_CFLAGS)

all: $B/nestctl $B/nestctl-agent $(if $(wildcard grubfix/main.c),$B/grubfix)

$B/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -c $< -o $@

$B/libnestctl.a: $(call objects,$(SOURCES))
	@rm -f $@
	@$(AR) qcs $@ $^

$B/libgrubfix.a: $(call objects,$(GRUBFIX))
	@rm -f $@
	@$(AR) qcs $@ $^

# libgrubfix uses base/ of libnestctl, whose provision/fix/ uses libgrubfix.
$B/nestctl: $(call objects,provision/main.c) $B/libnestctl.a $B/libgrubfix.a
	$(CC) $(CFLAGS) $(LDFLAGS) $^ $B/libnestctl.a $(PKG_LIBS) -o $@

$B/grubfix: $(call objects,grubfix/main.c) $B/libgrubfix.a $B/libnestctl.a
	$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--as-needed $< $B/libgrubfix.a $B/libnestctl.a $(PKG_LIBS) -o $@

# The agent goes into every layer, whatever that layer's C library is: static, and small.
$B/nestctl-agent: $(AGENT) $(wildcard provision/agent/*.h)
	@mkdir -p $(@D)
	$(MUSL_CC) -static -Os -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -Iprovision/agent $(AGENT) -o $@

# test_agent_*.c take in the agent's sources, everything else the library.
$B/unit/test_agent%: tests/unit/test_agent%.c $(filter-out provision/agent/main.c,$(AGENT)) \
		$(wildcard provision/agent/*.h)
	@mkdir -p $(@D)
	$(CC) $(STANDARD) $(WARNINGS) $(CFLAGS) $(LDFLAGS) -Iprovision/agent $< \
		$(filter-out provision/agent/main.c,$(AGENT)) -lcmocka -o $@

$B/unit/%: tests/unit/%.c $B/libnestctl.a $B/libgrubfix.a
	@mkdir -p $(@D)
	$(COMPILE) $(LDFLAGS) $(filter %.c %.a,$^) $B/libnestctl.a $(PKG_LIBS) -lcmocka -o $@

$B/unit/test_grubfix%: tests/unit/test_grubfix%.c $B/libgrubfix.a $B/libnestctl.a
	@mkdir -p $(@D)
	$(COMPILE) $(LDFLAGS) -Igrubfix $(filter %.c %.a,$^) $(PKG_LIBS) -lcmocka -o $@

# Stands between a program and the C library: large files have no names of their own there.
$B/fault.so: tests/store/fault.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -O2 -fPIC -shared $< -ldl -o $@

# Parts of the network lab on their own, for tests/pxe.
$B/pxe-%: tests/pxe/%.c $B/libnestctl.a $B/libgrubfix.a
	@mkdir -p $(@D)
	$(COMPILE) $(LDFLAGS) $(filter %.c %.a,$^) $B/libnestctl.a $(PKG_LIBS) -o $@

units: $(UNITS) $B/fault.so $(patsubst tests/pxe/%.c,$B/pxe-%,$(wildcard tests/pxe/*.c))

# --- what a person asks for ---------------------------------------------------------------------

deps:
	@tools/install-deps

demo: deps
	@$(MAKE) --no-print-directory all
	$B/nestctl build-stack profiles/xen-l3.yaml

check: deps
	@$(MAKE) --no-print-directory all units
	@tests/all pxe build store packages fix zypper unit emit xen fail agent fuzz media image docs run \
		answers install grubfix boot boot/pxe

check-long: deps
	@$(MAKE) --no-print-directory all units
	@tests/boot/soak
	@tests/boot/nested-driver
	@tests/boot/netboot-install
	@LONG=1 KILLS=200 tests/all store build lookalike

check-fast: all units
	@JOBS=4 tests/all unit fail xen emit agent answers install grubfix docs

fuzz-smoke:
	@SECONDS_EACH=60 tests/fuzz/run

fuzz-afl:
	@tests/fuzz/afl $(or $(SECONDS_EACH),60)

check-boot: all
	@tests/all boot

check-asan:
	@$(MAKE) --no-print-directory B=build/asan all units \
		CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined' \
		LDFLAGS='-fsanitize=address,undefined'
	@B=build/asan ASAN_OPTIONS=intercept_strchr=0 tests/all unit fail docs answers emit grubfix agent image fix

bench: all $B/pxe-dhcp $B/pxe-web-driver
	@tests/bench/run

format:
	@clang-format -i $(ALL_C)

format-check:
	@clang-format --dry-run -Werror $(ALL_C)

lint:
	cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --suppressions-list=tests/cppcheck.txt \
		--enable=warning,portability -Iprovision -I. provision grubfix
	clang-tidy --quiet $(filter %.c,$(wildcard provision/*.c provision/*/*.c grubfix/*.c)) -- \
		$(STANDARD) -Iprovision -I. $(DATA) $(PKG_CFLAGS)

install: all
	install -D -m 0755 -t $(DESTDIR)$(prefix)/bin $B/nestctl $(wildcard $B/grubfix)
	install -D -m 0755 -t $(DESTDIR)$(prefix)/share/nestctl $B/nestctl-agent
	cp -r --no-preserve=ownership templates profiles $(DESTDIR)$(prefix)/share/nestctl/
	chmod -R u+rwX,go+rX $(DESTDIR)$(prefix)/share/nestctl
	install -D -m 0644 -t $(DESTDIR)$(prefix)/share/man/man1 $(wildcard docs/man/*.1)
	install -D -m 0644 -t $(DESTDIR)$(prefix)/share/doc/nestctl README.md LICENSE
	install -D -m 0644 -t $(DESTDIR)$(prefix)/share/doc/nestctl/docs $(wildcard docs/*.md)
	ln -sfn ../../nestctl/profiles $(DESTDIR)$(prefix)/share/doc/nestctl/profiles

clean:
	rm -rf $B

help:
	@echo 'make              builds nestctl, its agent and grubfix in build/'
	@echo 'make deps         installs what building, tests and demo need, on Debian 12 and 13'
	@echo 'make demo         installs what is missing, builds, and runs a three-level stack'
	@echo 'make check        installs what is missing, builds, and runs every test (boots included)'
	@echo 'make check-fast   the tests that need no boot and no network'
	@echo 'make check-asan   the same under the address and undefined-behaviour sanitizers'
	@echo 'make check-boot   the boots alone'
	@echo 'make check-long   the store and the builds at length: every write fails once, the power'
	@echo '                  is cut before each, 200 builds are killed, trees are made twice; an'
	@echo '                  inner Xen boots five times; and nestctl runs inside of a Xen host that'
	@echo '                  it booted (hours)'
	@echo 'make fuzz-smoke   a minute of fuzzing of the boot file parsers'
	@echo 'make fuzz-afl     the same under AFL++, SECONDS_EACH (60) for each of its programs'
	@echo 'make bench        ratios against named references, boots included; into build/bench.json'
	@echo 'make format, format-check (clang-format), lint (cppcheck, clang-tidy)'
	@echo 'make install      programs, data, man pages and guides, into DESTDIR and prefix (/usr/local)'
	@echo 'make clean'

.PHONY: all units deps demo check check-fast check-boot check-long check-asan fuzz-smoke fuzz-afl bench \
	format format-check lint install clean help
.DELETE_ON_ERROR:
-include $(patsubst %.o,%.d,$(call objects,$(SOURCES) $(GRUBFIX) provision/main.c grubfix/main.c)) \
	$(wildcard $B/unit/*.d $B/pxe-*.d)
