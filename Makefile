# waltools - build, test, install. `make help` lists the targets.

VERSION := 0.1.0
CC ?= cc
PKG_CONFIG ?= pkg-config
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
PROVE ?= prove

# What each program links. libarchive is loaded at run time, by the one file that needs it.
PACKAGES := libzstd liblz4 zlib libcrypto inih

CFLAGS ?= -O2 -g
SANITIZE ?=
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
ALL_CPPFLAGS := -Ilib -D_GNU_SOURCE -DWALTOOLS_VERSION='"$(VERSION)"' $(CPPFLAGS)
ALL_CFLAGS = -std=c11 -fvisibility=hidden -pthread $(WARNINGS) $(CFLAGS) $(SANITIZE) \
             $(shell $(PKG_CONFIG) --cflags $(PACKAGES) libarchive)
ALL_LDFLAGS = -pthread -Wl,--as-needed $(LDFLAGS) $(SANITIZE)
ALL_LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -ldl $(LDLIBS)

PROGRAMS := walpush walfetch walclean

# Every room, every file; README ends with the same map.
LIB := \
    lib/archive/absence.c \
    lib/archive/archive.c \
    lib/archive/clean.c \
    lib/archive/datadir.c \
    lib/archive/delivery.c \
    lib/archive/existing.c \
    lib/archive/fetch.c \
    lib/archive/identity.c \
    lib/archive/object.c \
    lib/archive/policy.c \
    lib/archive/push.c \
    lib/archive/reader.c \
    lib/archive/walfile.c \
    lib/base/buf.c \
    lib/base/clock.c \
    lib/base/error.c \
    lib/base/file.c \
    lib/base/log.c \
    lib/base/signals.c \
    lib/base/stream.c \
    lib/base/tempfile.c \
    lib/codec/codec.c \
    lib/codec/foreign.c \
    lib/codec/gzip.c \
    lib/codec/label.c \
    lib/codec/lz4.c \
    lib/codec/none.c \
    lib/codec/zstd.c \
    lib/config/file.c \
    lib/config/settings.c \
    lib/config/table.c \
    lib/crypto/sha256.c \
    lib/run/guard.c \
    lib/run/retry.c \
    lib/storage/directory.c \
    lib/storage/file.c \
    lib/storage/storage.c \
    lib/wal/crc32c.c \
    lib/wal/history.c \
    lib/wal/name.c \
    lib/wal/page.c \
    lib/wal/record.c \
    lib/wal/segment.c

CLI := cmd/cli.c

UNIT_TESTS := $(wildcard tests/unit/*.c)
TEST_PROGRAMS := $(UNIT_TESTS:tests/unit/%.c=$(BUILD)/tests/unit/%.t) $(BUILD)/tests/walcheck

LIB_OBJECTS := $(LIB:%.c=$(BUILD)/%.o)
CLI_OBJECTS := $(CLI:%.c=$(BUILD)/%.o)
BINARIES := $(PROGRAMS:%=$(BUILD)/bin/%)
LIBRARY := $(BUILD)/libwaltools.a

.PHONY: all
all: $(BINARIES)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Icmd -Itests -MMD -MP -c -o $@ $<

$(LIBRARY): $(LIB_OBJECTS)
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/bin/%: $(BUILD)/cmd/%.o $(CLI_OBJECTS) $(LIBRARY)
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/tests/unit/%.t: $(BUILD)/tests/unit/%.o $(LIBRARY)
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/tests/walcheck: $(BUILD)/tests/pg/walcheck.o $(LIBRARY)
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
