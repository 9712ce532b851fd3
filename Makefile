# uWSGI's rpc plugin. "make help" lists the targets.

UWSGI ?= uwsgi-core
PYTHON ?= /usr/bin/python3
PREFIX ?= /usr/local
DESTDIR ?=
B := build

WARN := -Wall -Wextra -Werror
CFLAGS ?= -O2 -g
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

.DEFAULT_GOAL := all
.PHONY: all deps demo check unit e2e asan fuzz soak bench bench-deps instructions format install clean help

all: rpc_plugin.so ## build the plugin, for another uWSGI with UWSGI=PATH

help: ## list the targets
	@sed -nE 's/^([a-z0-9]+):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

deps: ## install the Debian packages that demo and check need
	@tools/packages.sh install build demo check

demo: ## install what is missing, build, start uWSGI and show calls and their answers
	@tools/packages.sh install build demo
	@$(MAKE) -s rpc_plugin.so
	@examples/demo.sh

# --- the plugin -------------------------------------------------------------------------------

# uWSGI's own builder, with the flags and the header of the uWSGI it is for; $(1) is where the .so
# goes, $(2) further compiler flags, $(3) further linker flags. CC chooses the compiler.
SOURCES := $(wildcard rpc*.c rpc*.h) uwsgiplugin.py
define build_plugin
@mkdir -p $(1) $(B)
@echo "building $(1)/rpc_plugin.so for $(UWSGI), see $(B)/plugin.log"
@cd $(1) && CC="$(CC)" PYTHON=$(PYTHON) RPC_CFLAGS="-Wall -Wextra -Werror $(2)" RPC_LDFLAGS="$(3)" \
	$(UWSGI) --build-plugin $(CURDIR) >$(CURDIR)/$(B)/plugin.log 2>&1 || \
	{ cat $(CURDIR)/$(B)/plugin.log; exit 1; }
endef

rpc_plugin.so: $(SOURCES)
	$(call build_plugin,.)

$(B)/asan/rpc_plugin.so: $(SOURCES)
	$(call build_plugin,$(B)/asan,$(SAN),$(SAN))

install: rpc_plugin.so ## install into PREFIX/lib/uwsgi/plugins (PREFIX=/usr/local, DESTDIR=)
	@tools/install.sh "$(DESTDIR)" "$(PREFIX)"

# --- unit tests: the pure modules under the sanitizers, each test_NAME.c a program of its own ---

PURE := $(filter-out rpc_plugin.c rpc_table.c rpc_routing.c rpc_http.c rpc_remote.c rpc_metrics.c rpc_language.c,$(wildcard rpc_*.c))
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
UNIT_LIBS = $(shell pkg-config --libs check libxml-2.0 jansson)
UNIT_CFLAGS = $(WARN) -std=gnu11 -g -O1 $(SAN) -I. -Itests/unit $(shell pkg-config --cflags check libxml-2.0 jansson) \
	-DRPC_TEST_DATA='"$(CURDIR)/tests/data"'

$(B)/unit/%.o: %.c $(wildcard *.h) | $(B)/unit
	$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(B)/unit/test_%: tests/unit/test_%.c $(PURE:%.c=$(B)/unit/%.o) $(wildcard tests/unit/*.h) | $(B)/unit
	$(CC) $(UNIT_CFLAGS) -o $@ $(filter %.c %.o,$^) $(UNIT_LIBS)

$(B)/unit:
	mkdir -p $@

unit: $(UNIT) ## run the unit tests
	@for t in $(UNIT); do echo "== $$t"; $$t || exit 1; done

# --- end to end: real uWSGI, real nginx, real clients --------------------------------------------

E2E ?= tests/e2e
PYTEST = $(PYTHON) -m pytest -q -p no:cacheprovider --durations=5

$(B)/functions.so: tests/e2e/functions.c | $(B)
	$(CC) $(CFLAGS) $(WARN) -shared -fPIC -o $@ $<

$(B):
	mkdir -p $@

ASAN_PRELOAD = $(shell gcc -print-file-name=libasan.so):$(shell gcc -print-file-name=libubsan.so)

asan: $(B)/asan/rpc_plugin.so $(B)/functions.so $(B)/uwsgi-rpc ## run the end-to-end tests with an instrumented plugin
	RPC_PLUGIN_DIR=$(CURDIR)/$(B)/asan RPC_PRELOAD="$(ASAN_PRELOAD)" $(PYTEST) $(E2E)

e2e: rpc_plugin.so $(B)/functions.so $(B)/uwsgi-rpc ## run the end-to-end tests (E2E=tests/e2e/test_x.py: some)
	$(PYTEST) $(E2E)

check: ## install what is missing, build and run every test
	@tools/packages.sh install build demo check
	@$(MAKE) -s unit e2e

# Tests that fail each allocation in turn.
$(B)/unit/test_node $(B)/unit/test_client $(B)/unit/test_no_memory: UNIT_LIBS += \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup

# --- the command-line client ---------------------------------------------------------------------

CLI_SRC := $(wildcard cli/*.c) rpc_client.c rpc_node.c rpc_wire.c

cli: $(B)/uwsgi-rpc ## build the command-line client, build/uwsgi-rpc
.PHONY: cli

$(B)/uwsgi-rpc: $(CLI_SRC) $(wildcard *.h cli/*.h) | $(B)
	$(CC) $(CFLAGS) $(WARN) -std=gnu11 -I. -o $@ $(CLI_SRC) $(LDFLAGS) -lpthread

# --- fuzzing: tests/fuzz/fuzz_NAME.c, seeded from tests/data/NAME, FUZZ_TIME seconds each --------

FUZZ_TIME ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

FUZZ_CFLAGS = -g -O1 -std=gnu11 -I. -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	$(shell pkg-config --cflags libxml-2.0 jansson)

$(B)/fuzz/%.o: %.c $(wildcard *.h)
	@mkdir -p $(B)/fuzz
	clang $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

$(B)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(PURE:%.c=$(B)/fuzz/%.o)
	clang $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(shell pkg-config --libs libxml-2.0 jansson)

fuzzers: $(FUZZERS)

fuzz: ## fuzz each parser for FUZZ_TIME seconds
	@$(MAKE) -j$(shell nproc) fuzzers
	@tests/fuzz/run.sh $(FUZZ_TIME) $(FUZZERS)

# --- benchmarks: side by side with the stock plugin, see bench/README.md -------------------------

$(B)/bench_functions.so: bench/functions.c | $(B)
	$(CC) $(CFLAGS) $(WARN) -shared -fPIC -o $@ $<

bench-deps:
	@tools/packages.sh install build bench

instructions: rpc_plugin.so $(B)/bench_functions.so | bench-deps ## count instructions per call (CASE=text for some)
	$(PYTHON) bench/instructions.py "$(CASE)"

# --- soak: many calls, and the memory of the worker that served them ---------------------------

SOAK_CALLS ?= 200000

$(B)/http_loop: tests/soak/http_loop.c | $(B)
	$(CC) $(CFLAGS) $(WARN) -std=gnu11 -o $@ $<

soak: rpc_plugin.so $(B)/functions.so $(B)/http_loop ## SOAK_CALLS routed calls of each kind: is memory flat?
	$(PYTHON) tests/soak/routes.py $(SOAK_CALLS)

# --- static analysis ----------------------------------------------------------------------------

# The plugin and the command-line client, with the defines of the uWSGI at hand and its header as a
# system header: what is found in there is not ours to mend.
LINT_C := $(wildcard rpc*.c cli/*.c)
LINT_FLAGS = -std=gnu11 -isystem $(B)/lint -I. -DRPC_XMLRPC -DRPC_JSONRPC \
	$(shell pkg-config --cflags libxml-2.0 jansson) $(filter -D%,$(shell $(UWSGI) --cflags))
# uWSGI's API is not const-correct; its option and plugin structs are filled in part.
LINT_WARN := $(WARN) -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wduplicated-cond \
	-Wduplicated-branches -Wnull-dereference -Wno-discarded-qualifiers \
	-Wno-missing-field-initializers

$(B)/lint/uwsgi.h:
	@mkdir -p $(@D)
	@$(UWSGI) --dot-h >$@

$(B)/lint/%.c.ok: %.c $(wildcard *.h cli/*.h) .clang-tidy | $(B)/lint/uwsgi.h
	@mkdir -p $(@D)
	@gcc $(LINT_FLAGS) $(LINT_WARN) -O2 -fanalyzer -c -o /dev/null $<
	@clang-tidy --quiet $< -- $(LINT_FLAGS) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

# A header compiles on its own.
$(B)/lint/%.h.ok: %.h $(wildcard *.h cli/*.h) | $(B)/lint/uwsgi.h
	@mkdir -p $(@D)
	@gcc $(LINT_FLAGS) $(WARN) -fsyntax-only -x c $<
	@touch $@

.PHONY: lint lint-files
lint-files: $(patsubst %,$(B)/lint/%.ok,$(LINT_C) $(wildcard rpc*.h cli/*.h))

lint: ## analyse the sources: gcc -fanalyzer, clang-tidy, cppcheck, shellcheck, clang-format
	@$(MAKE) -s -j$(shell nproc) --output-sync lint-files
	@echo "lint: gcc -fanalyzer and clang-tidy found nothing in $(words $(LINT_C)) files"
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability,style \
		--inline-suppr --suppress=missingIncludeSystem --suppress=variableScope -I. $(LINT_C)
	@shellcheck .ci/run $(shell git ls-files '*.sh')
	@clang-format --dry-run -Werror $(shell git ls-files '*.c' '*.h')
	@echo "lint: cppcheck, shellcheck and clang-format found nothing"

# --- housekeeping -------------------------------------------------------------------------------

format: ## apply .clang-format
	clang-format -i $(shell git ls-files '*.c' '*.h')

clean: ## remove everything built
	rm -rf $(B) rpc_plugin.so .uwsgi_plugins_builder
