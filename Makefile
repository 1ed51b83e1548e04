# waltools - build, test, install. `make help` lists the targets.

VERSION := 0.1.0
CC ?= cc
PKG_CONFIG ?= pkg-config
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
COMPLETIONSDIR ?= $(PREFIX)/share/bash-completion/completions
DATADIR ?= $(PREFIX)/share/waltools
PROVE ?= prove

# What each program links, and what is loaded at run time, by the one file that needs it.
PACKAGES := libzstd liblz4 zlib libcrypto inih
LOADED := libarchive libcurl expat jansson

CFLAGS ?= -O2 -g
SANITIZE ?=
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
ALL_CPPFLAGS := -Ilib -D_GNU_SOURCE -DWALTOOLS_VERSION='"$(VERSION)"' $(CPPFLAGS)
ALL_CFLAGS = -std=c11 -fvisibility=hidden -pthread $(WARNINGS) $(CFLAGS) $(SANITIZE) \
             $(shell $(PKG_CONFIG) --cflags $(PACKAGES) $(LOADED))
ALL_LDFLAGS = -pthread -Wl,--as-needed $(LDFLAGS) $(SANITIZE)
ALL_LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -ldl $(LDLIBS)

PROGRAMS := walpush walfetch walclean wallist walverify

# Every room, every file; README ends with the same map.
LIB := \
    lib/archive/absence.c \
    lib/archive/archive.c \
    lib/archive/clean.c \
    lib/archive/datadir.c \
    lib/archive/delivery.c \
    lib/archive/digest.c \
    lib/archive/existing.c \
    lib/archive/fetch.c \
    lib/archive/identity.c \
    lib/archive/layout.c \
    lib/archive/memory.c \
    lib/archive/object.c \
    lib/archive/outgoing.c \
    lib/archive/policy.c \
    lib/archive/push.c \
    lib/archive/reader.c \
    lib/archive/records.c \
    lib/archive/salvage.c \
    lib/archive/scan.c \
    lib/archive/sealed.c \
    lib/archive/timeline.c \
    lib/archive/walfile.c \
    lib/aws/credentials.c \
    lib/aws/environment.c \
    lib/aws/from_container.c \
    lib/aws/from_environment.c \
    lib/aws/from_instance.c \
    lib/aws/from_profile.c \
    lib/aws/from_web_identity.c \
    lib/aws/grant.c \
    lib/aws/http.c \
    lib/aws/http_answer.c \
    lib/aws/http_exchange.c \
    lib/aws/http_request.c \
    lib/aws/ini.c \
    lib/aws/inquiry.c \
    lib/aws/json.c \
    lib/aws/process.c \
    lib/aws/profile.c \
    lib/aws/sign.c \
    lib/aws/sts.c \
    lib/aws/token.c \
    lib/aws/url.c \
    lib/aws/xml.c \
    lib/base/array.c \
    lib/base/buf.c \
    lib/base/clock.c \
    lib/base/error.c \
    lib/base/file.c \
    lib/base/library.c \
    lib/base/log.c \
    lib/base/moment.c \
    lib/base/process.c \
    lib/base/secret.c \
    lib/base/signals.c \
    lib/base/spool.c \
    lib/base/stream.c \
    lib/base/tempfile.c \
    lib/base/thread.c \
    lib/codec/codec.c \
    lib/codec/foreign.c \
    lib/codec/gzip.c \
    lib/codec/label.c \
    lib/codec/lz4.c \
    lib/codec/none.c \
    lib/codec/pieces.c \
    lib/codec/zstd.c \
    lib/config/file.c \
    lib/config/settings.c \
    lib/config/table.c \
    lib/config/value.c \
    lib/crypto/encode.c \
    lib/crypto/hmac.c \
    lib/crypto/md5.c \
    lib/crypto/sha1.c \
    lib/crypto/sha256.c \
    lib/report/backups.c \
    lib/report/canvas.c \
    lib/report/chart.c \
    lib/report/cleaning.c \
    lib/report/color.c \
    lib/report/comparison.c \
    lib/report/graph.c \
    lib/report/human.c \
    lib/report/json.c \
    lib/report/lookup.c \
    lib/report/objects.c \
    lib/report/output.c \
    lib/report/progress.c \
    lib/report/ranges.c \
    lib/report/standbys.c \
    lib/report/summary.c \
    lib/report/summary_json.c \
    lib/report/svg.c \
    lib/report/table.c \
    lib/report/totals.c \
    lib/report/utf8.c \
    lib/report/verify_json.c \
    lib/report/verify_nagios.c \
    lib/report/verify_prometheus.c \
    lib/report/verify_text.c \
    lib/report/verify_totals.c \
    lib/retain/cleaning.c \
    lib/retain/retention.c \
    lib/retain/standby.c \
    lib/rsync/arguments.c \
    lib/rsync/claim.c \
    lib/rsync/download.c \
    lib/rsync/failure.c \
    lib/rsync/list.c \
    lib/rsync/names.c \
    lib/rsync/place.c \
    lib/rsync/remove.c \
    lib/rsync/rsync.c \
    lib/rsync/run.c \
    lib/rsync/shell.c \
    lib/rsync/ssh.c \
    lib/rsync/upload.c \
    lib/run/guard.c \
    lib/run/idle.c \
    lib/run/pool.c \
    lib/run/retry.c \
    lib/s3/client.c \
    lib/s3/conditions.c \
    lib/s3/download.c \
    lib/s3/failure.c \
    lib/s3/list.c \
    lib/s3/multipart.c \
    lib/s3/place.c \
    lib/s3/remove.c \
    lib/s3/request.c \
    lib/s3/s3.c \
    lib/s3/upload.c \
    lib/several/compare.c \
    lib/several/copier.c \
    lib/several/fetch_several.c \
    lib/several/merge.c \
    lib/several/peers.c \
    lib/several/range.c \
    lib/several/repair.c \
    lib/several/several.c \
    lib/several/silence.c \
    lib/storage/directory.c \
    lib/storage/file.c \
    lib/storage/storage.c \
    lib/survey/gaps.c \
    lib/survey/geometry.c \
    lib/survey/inventory.c \
    lib/survey/lookup.c \
    lib/survey/recovery.c \
    lib/survey/route.c \
    lib/survey/selection.c \
    lib/survey/small_files.c \
    lib/survey/way.c \
    lib/verify/backlog.c \
    lib/verify/batch.c \
    lib/verify/check.c \
    lib/verify/checker.c \
    lib/verify/consistency.c \
    lib/verify/copies.c \
    lib/verify/cut.c \
    lib/verify/ends.c \
    lib/verify/inspect.c \
    lib/verify/known.c \
    lib/verify/verdict.c \
    lib/verify/verified.c \
    lib/verify/verify.c \
    lib/wal/assembly.c \
    lib/wal/crc32c.c \
    lib/wal/geometry.c \
    lib/wal/history.c \
    lib/wal/name.c \
    lib/wal/page.c \
    lib/wal/record.c \
    lib/wal/segment.c

CLI := cmd/cli.c

UNIT_TESTS := $(wildcard tests/unit/*.c)
TEST_PROGRAMS := $(UNIT_TESTS:tests/unit/%.c=$(BUILD)/tests/unit/%) $(BUILD)/tests/walcheck \
                 $(BUILD)/tests/storagelist

LIB_OBJECTS := $(LIB:%.c=$(BUILD)/%.o)
CLI_OBJECTS := $(CLI:%.c=$(BUILD)/%.o)
BINARIES := $(PROGRAMS:%=$(BUILD)/bin/%)
LIBRARY := $(BUILD)/libwaltools.a

.PHONY: all
all: $(BINARIES) ## build the programs into $(BUILD)/bin

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Icmd -Itests -MMD -MP -c -o $@ $<

$(LIBRARY): $(LIB_OBJECTS)
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/bin/%: $(BUILD)/cmd/%.o $(CLI_OBJECTS) $(LIBRARY)
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(LIBRARY)
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/tests/walcheck: $(BUILD)/tests/pg/walcheck.o $(LIBRARY)
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/tests/storagelist: $(BUILD)/tests/lib/storagelist.o $(CLI_OBJECTS) $(LIBRARY)
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

# ---- tests ----

# T names the tests to run, such as T=tests/cli/push.t; unit tests by their source file.
T ?= $(sort $(UNIT_TESTS) $(wildcard tests/tree/*.t tests/cli/*.t tests/s3/*.t tests/rsync/*.t tests/pg/*.t))
JOBS ?= 2
RUN_TESTS = TEST_BUILD=$(abspath $(BUILD)) TEST_BIN=$(abspath $(BUILD))/bin \
    $(PROVE) -j$(JOBS) $(PROVE_OPTIONS) $(T:tests/unit/%.c=$(BUILD)/tests/unit/%)

.PHONY: check
check: setup ## run all tests; T=tests/cli/push.t runs one
	@$(MAKE) --no-print-directory test-programs
	@$(RUN_TESTS)

.PHONY: test-programs
test-programs: $(BINARIES) $(TEST_PROGRAMS)
	@:

# No exit code of a sanitizer can be mistaken for one of ours.
.PHONY: check-asan
check-asan: ## run unit and cli tests under AddressSanitizer
	@ASAN_OPTIONS=exitcode=99:detect_leaks=1:abort_on_error=0 $(MAKE) --no-print-directory check \
	    BUILD=build-asan CFLAGS="-O1 -g -fno-omit-frame-pointer" SANITIZE=-fsanitize=address \
	    T="$(SANITIZED_TESTS)"

.PHONY: check-ubsan
check-ubsan: ## run unit and cli tests under UndefinedBehaviorSanitizer
	@UBSAN_OPTIONS=exitcode=99:halt_on_error=1:print_stacktrace=1 $(MAKE) --no-print-directory check \
	    BUILD=build-ubsan CFLAGS="-O1 -g" \
	    SANITIZE="-fsanitize=undefined -fno-sanitize-recover=all" T="$(SANITIZED_TESTS)"

SANITIZED_TESTS = $(sort $(UNIT_TESTS) $(wildcard tests/cli/*.t))

.PHONY: demo
demo: setup ## run the main job: archive, standby, promotion, point-in-time recovery
	@$(MAKE) --no-print-directory all
	@scripts/demo $(BUILD)/bin

.PHONY: bench
bench: setup ## measure beside cp, gzip, zstd, pgBackRest and barman; BENCH=directory, rsync, s3 or operator for one part
	@$(MAKE) --no-print-directory all
	@scripts/bench $(BUILD)/bin

.PHONY: setup
setup: ## install missing Debian packages for building and testing
	@scripts/setup

# ---- for developers ----

SOURCES := $(wildcard cmd/*.[ch] scripts/*.c lib/*/*.[ch] tests/*.h tests/*/*.[ch])

.PHONY: format
format: ## format the C code as .clang-format says
	@clang-format -i $(SOURCES)

compile_commands.json: Makefile ## for clangd and clang-tidy
	@for source in $(filter %.c,$(SOURCES)); do \
	    printf '%s{"directory": "%s", "file": "%s", "command": "%s"}\n' "$$comma" "$(CURDIR)" \
	        "$$source" '$(CC) $(subst ",\\\",$(ALL_CPPFLAGS)) $(ALL_CFLAGS) -Icmd -Itests -c '"$$source"; \
	    comma=', '; \
	done | { echo '['; cat; echo ']'; } > $@

# ---- installing ----

MAN_PAGES := $(wildcard man/*.1 man/*.5)
SCHEMAS := $(wildcard man/*.schema.json)

.PHONY: install
install: all ## install programs, manual pages, schemas and bash completion below $(DESTDIR)$(PREFIX)
	@install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(DATADIR)
	@install -m 755 $(BINARIES) $(DESTDIR)$(BINDIR)
	@install -m 644 $(filter %.1,$(MAN_PAGES)) $(DESTDIR)$(MANDIR)/man1
	@install -m 644 $(filter %.5,$(MAN_PAGES)) $(DESTDIR)$(MANDIR)/man5
	@install -d $(DESTDIR)$(COMPLETIONSDIR)
	@for program in $(PROGRAMS); do \
	    install -m 644 scripts/waltools.bash-completion $(DESTDIR)$(COMPLETIONSDIR)/$$program; \
	done
	@install -m 644 $(SCHEMAS) $(DESTDIR)$(DATADIR)

.PHONY: uninstall
uninstall: ## remove what install has installed
	@rm -f $(PROGRAMS:%=$(DESTDIR)$(BINDIR)/%)
	@rm -f $(patsubst man/%,$(DESTDIR)$(MANDIR)/man1/%,$(filter %.1,$(MAN_PAGES)))
	@rm -f $(patsubst man/%,$(DESTDIR)$(MANDIR)/man5/%,$(filter %.5,$(MAN_PAGES)))
	@rm -f $(PROGRAMS:%=$(DESTDIR)$(COMPLETIONSDIR)/%)
	@rm -f $(patsubst man/%,$(DESTDIR)$(DATADIR)/%,$(SCHEMAS))

.PHONY: clean
clean: ## remove what was built
	@rm -rf build build-asan build-ubsan build-clang compile_commands.json

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z_.-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 26

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
