# mastvault - build, test, install.
#
#   make                    build/default/mastvault
#   make check              unit, contract, vector, fuzz-corpus and end-to-end tests
#   make check-long         more kills, fuzzing, empty systems, the package; hours
#   make valgrind           the compiled tests under memcheck; half an hour
#   make demo               one backup and restore of a throw-away Mastodon
#   make bench              times against restic and borg, where installed
#   make bench-aims         each speed aim beside one plain tool; MEMORY=1 peaks
#   make bench-rotate       rows encrypted anew, against the cryptography alone
#   make fuzz               coverage-guided fuzzing (clang), ten minutes per target
#   make install            DESTDIR= PREFIX=/usr/local; make uninstall likewise
#   make deb                a package for Debian or Ubuntu, in build/
#   SAN=address,undefined   builds its own tree    DEVELOPER=1  warnings are errors
#   V=1                     shows commands
#
# CFLAGS belongs to whoever builds; ours are MV_*.

CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
SHARE   ?= $(PREFIX)/share
MANDIR  ?= $(SHARE)/man
DOCDIR  ?= $(SHARE)/doc/mastvault
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR  ?= $(SHARE)/zsh/site-functions
INSTALL ?= install
comma   := ,
LAYERS  := base secret crypto format chunk store repo tree postgres \
	mastodon vault drill report job
PKGS    := libsodium libzstd libarchive libpq libcrypto zlib jansson libacl hiredis

PKG_CONFIG ?= pkg-config
PKG_ERR := $(shell $(PKG_CONFIG) --print-errors --exists $(PKGS) 2>&1)
ifneq ($(PKG_ERR),)
ifeq ($(filter clean check-layers,$(MAKECMDGOALS)),)
$(error missing libraries: $(PKG_ERR); scripts/setup.sh installs them)
endif
endif
# hiredis asks for open64() and the like, which the tests do not watch; it has
# no sizes of files in its interface.
PKG_CFLAGS := $(filter-out -D_FILE_OFFSET_BITS=64, \
	$(shell $(PKG_CONFIG) --cflags $(PKGS)))
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(PKGS))

B := build/$(if $(SAN),$(subst $(comma),-,$(SAN)),default)$(if $(filter clang%,$(CC)),-clang)

MV_CPPFLAGS := -D_GNU_SOURCE $(PKG_CFLAGS) -include lib/base/banned.h
MV_CFLAGS := -std=gnu17 -Wall -Wextra -Wshadow -Wpointer-arith -Wwrite-strings \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wformat=2 -Wvla -Wundef -Wcast-qual -fno-common -fPIE -pthread
MV_LDFLAGS := -pie -pthread -Wl,-z,relro,-z,now,--as-needed
ifdef SAN
MV_CFLAGS  += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined
MV_LDFLAGS += -fsanitize=$(SAN)
else
MV_CFLAGS  += -fstack-protector-strong
MV_CPPFLAGS += $(if $(filter -O0,$(CFLAGS))$(findstring _FORTIFY_SOURCE,$(CPPFLAGS)$(CFLAGS)),,-D_FORTIFY_SOURCE=2)
endif
ifdef DEVELOPER
MV_CFLAGS += -Werror
endif
ifndef V
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
endif

LIB_SRC  := $(foreach l,$(LAYERS),$(wildcard lib/$(l)/*.c))
BACK_SRC := $(wildcard backends/*/*.c)
CMD_SRC  := $(wildcard cmd/mastvault/*.c)
SUP_SRC  := $(wildcard tests/support/*.c)
UNIT     := $(basename $(wildcard tests/unit/*/test_*.c tests/vectors/test_*.c))
CONTRACT := $(basename $(wildcard tests/contract/test_*.c))
FUZZ     := $(basename $(wildcard tests/fuzz/fuzz_*.c))
TOOLS    := $(basename $(wildcard tests/e2e/tool_*.c))
PRELOADS := $(basename $(wildcard tests/e2e/preload_*.c))
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

LIB  := $(B)/libmastvault.a
BACK := $(B)/libbackends.a
SUP  := $(B)/libsupport.a
# The command line without main(): for the program, its tests and fuzzers.
CMD  := $(B)/libcmd.a
PROG := $(B)/mastvault

# Each layer sees only lib; backends see themselves too, cmd and tests all.
INC_lib      := -Ilib
INC_backends := -Ilib -Ibackends
INC_cmd      := -Ilib -Ibackends -Icmd
INC_tests    := -Ilib -Ibackends -Icmd -Itests

# Manual and completions: templates that describe fills from the tables.
DESCRIBE := $(B)/describe
MAN  := $(patsubst docs/man/%.in,$(B)/man/%,$(wildcard docs/man/*.in))
COMP := $(patsubst scripts/completion/%.in,$(B)/completion/%,$(wildcard scripts/completion/*.in))
DOCS := README.md $(wildcard docs/*.md docs/handbook/*.md)
UNIT_FILES := mastvault-backup@.service mastvault-backup@.timer

all: $(PROG) manual
manual: $(MAN) $(COMP)

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -MMD -MP $(INC_$(firstword $(subst /, ,$*))) $(MV_CPPFLAGS) \
		$(CPPFLAGS) $(MV_CFLAGS) $(CFLAGS) -c -o $@ $<

define archive
	@mkdir -p $(@D)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
endef
define link
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(MV_LDFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(1)
endef

$(LIB): $(call obj,$(LIB_SRC))
	$(archive)
$(BACK): $(call obj,$(BACK_SRC))
	$(archive)
$(SUP): $(call obj,$(SUP_SRC))
	$(archive)
$(CMD): $(call obj,$(filter-out %/main.c,$(CMD_SRC)))
	$(archive)
$(PROG): $(call obj,$(filter %/main.c,$(CMD_SRC))) $(CMD) $(BACK) $(LIB)
	$(link)

$(DESCRIBE): $(call obj,$(wildcard cmd/describe/*.c)) $(CMD) $(BACK) $(LIB)
	$(link)
define describe
	@mkdir -p $(@D)
	$(call say,MAKE,$@)
	$(Q)$(DESCRIBE) $< >$@
endef
$(B)/man/%: docs/man/%.in $(DESCRIBE)
	$(describe)
$(B)/completion/%: scripts/completion/%.in $(DESCRIBE)
	$(describe)
# Anew each time: BINDIR may be another one.
$(B)/scripts/%: scripts/%.in FORCE
	@mkdir -p $(@D)
	$(Q)sed 's|@BINDIR@|$(BINDIR)|g' $< >$@

$(B)/tests/unit/cmd/%: $(B)/obj/tests/unit/cmd/%.o $(SUP) $(CMD) $(BACK) $(LIB)
	$(call link,-lcmocka -ldl)
# In tests called *_fault these calls go through tests/support/fault.c.
MV_WRAP := malloc calloc realloc strdup strndup sodium_malloc write pwrite \
	ftruncate fsync fdatasync linkat rename renameat renameat2 mkdir mkdirat \
	read pread fstat fdopendir open openat readdir stat lstat fstatat unlinkat
$(B)/tests/%_fault: private MV_LDFLAGS += $(MV_WRAP:%=-Wl,--wrap=%)

# Unit tests of lib are linked without backends, so it cannot come to need one.
$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(SUP) $(LIB)
	$(call link,-lcmocka -ldl)
$(B)/tests/vectors/%: $(B)/obj/tests/vectors/%.o $(SUP) $(LIB)
	$(call link,-lcmocka -ldl)
$(B)/tests/contract/%: $(B)/obj/tests/contract/%.o $(SUP) $(BACK) $(LIB)
	$(call link,-lcmocka -ldl)
$(B)/tests/e2e/tool_%: $(B)/obj/tests/e2e/tool_%.o $(SUP) $(BACK) $(LIB)
	$(call link,)
# For LD_PRELOAD: between the program and the C library, so without our flags.
$(B)/tests/e2e/preload_%.so: tests/e2e/preload_%.c Makefile
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE -Wall -Wextra $(if $(DEVELOPER),-Werror) \
		$(CFLAGS) -fPIC -shared -pthread -o $@ $< -ldl
# A fuzz target is linked with a small driver that replays a corpus.
$(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/replay.o \
		$(SUP) $(CMD) $(BACK) $(LIB)
	$(call link,)

TEST_BINS := $(UNIT:%=$(B)/%) $(CONTRACT:%=$(B)/%) $(FUZZ:%=$(B)/%) $(TOOLS:%=$(B)/%) \
	$(PRELOADS:%=$(B)/%.so)

tests: $(PROG) manual $(TEST_BINS)

check: tests check-layers check-headers
	$(Q)B=$(B) tests/run.sh

check-long: tests
	$(Q)B=$(B) tests/long/run.sh

valgrind: tests
	$(Q)B=$(B) tests/long/valgrind.sh

check-layers:
	$(Q)LAYERS="$(LAYERS)" scripts/check-layers.sh

# Every header must compile on its own.
check-headers:
	$(Q)for h in $$(find lib backends cmd -name '*.h'); do \
		$(CC) -fsyntax-only -x c $(INC_tests) $(MV_CPPFLAGS) $(MV_CFLAGS) $$h || exit 1; done

demo: $(PROG)
	$(Q)B=$(B) scripts/demo.sh

bench: $(PROG)
	$(Q)B=$(B) tests/bench/run.sh
bench-rotate: $(TOOLS:%=$(B)/%)
	$(Q)B=$(B) tests/bench/rotate.sh

bench-aims: $(PROG)
	$(Q)B=$(B) tests/bench/aims.sh

fuzz:
	$(Q)tests/fuzz/run.sh

# mode:file:place
INSTALLED = 755:$(PROG):$(BINDIR)/mastvault \
	$(foreach m,$(MAN),644:$(m):$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m))) \
	644:$(B)/completion/mastvault.bash:$(SHARE)/bash-completion/completions/mastvault \
	644:$(B)/completion/_mastvault:$(ZSHDIR)/_mastvault \
	644:$(B)/completion/mastvault.fish:$(SHARE)/fish/vendor_completions.d/mastvault.fish \
	$(foreach d,$(DOCS),644:$(d):$(DOCDIR)/$(notdir $(d))) \
	644:docs/mastvault.conf.example:$(DOCDIR)/examples/mastvault.conf \
	644:$(B)/scripts/cron/mastvault:$(DOCDIR)/examples/mastvault.cron \
	$(foreach u,$(UNIT_FILES),644:$(B)/scripts/systemd/$(u):$(UNITDIR)/$(u))

install: $(PROG) manual $(UNIT_FILES:%=$(B)/scripts/systemd/%) $(B)/scripts/cron/mastvault
	$(Q)for f in $(INSTALLED); do \
		file=$${f#*:} && $(INSTALL) -D -m $${f%%:*} $${file%:*} '$(DESTDIR)'$${f##*:} || exit 1; done

# Configuration, keys and backups are yours and stay.
uninstall:
	$(Q)for f in $(INSTALLED); do rm -f '$(DESTDIR)'$${f##*:}; done
	$(Q)rmdir '$(DESTDIR)$(DOCDIR)/examples' '$(DESTDIR)$(DOCDIR)' 2>/dev/null || :

deb:
	$(Q)scripts/deb.sh

clean:
	rm -rf build

.PHONY: all tests check check-long valgrind check-layers check-headers demo bench \
	bench-aims bench-rotate fuzz \
	manual install uninstall deb clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
