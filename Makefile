# uWSGI's rpc plugin. "make help" lists the targets.

UWSGI ?= uwsgi-core
PYTHON ?= /usr/bin/python3
PREFIX ?= /usr/local
DESTDIR ?=
B := build
CORES := $(shell nproc)
# For a make of ours: on all cores, where it is not one of several already.
PARALLEL = $(if $(findstring --jobserver,$(MAKEFLAGS)),,-j$(CORES))

WARN := -Wall -Wextra -Werror
CFLAGS ?= -O2 -g
# For atomic operations of 64 bit, where a processor of 32 has none.
LIBATOMIC := $(if $(filter 32,$(shell getconf LONG_BIT)),-latomic)
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

.DEFAULT_GOAL := all
.SECONDARY:
.PHONY: all deps demo check unit e2e asan valgrind fuzz fuzzers bench bench-deps instructions format clean help

all: rpc_plugin.so ## build the plugin, for another uWSGI with UWSGI=PATH

help: ## list the targets
	@sed -nE 's/^([a-z0-9]+):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: install-packages
install-packages:
	@tools/packages.sh install build demo unit check

deps: install-packages ## install what demo and check need: Debian packages, clients from npm
	@$(MAKE) -s $(NPM)

demo: ## install what is missing, build, start uWSGI and show calls and their answers
	@tools/packages.sh install build demo
	@$(MAKE) -s rpc_plugin.so
	@examples/demo.sh

# --- the plugin -------------------------------------------------------------------------------

# uWSGI's own builder, with the flags and the header of the uWSGI it is for; $(1) is where the .so
# goes, $(2) further compiler flags, $(3) further linker flags. CC chooses the compiler, RPC_WITHOUT
# names libraries that it is built without.
# What may not know uWSGI, and what may: a file's folder tells. The packet codec is the one that has
# no folder.
PURE := $(wildcard parse/*.c client/*.c) rpc_wire.c
KNOWS_UWSGI := $(wildcard server/*.c) rpc_plugin.c rpc_routing.c
HEADERS := $(wildcard *.h parse/*.h client/*.h server/*.h)
SOURCES := $(PURE) $(KNOWS_UWSGI) $(HEADERS) uwsgiplugin.py
define build_plugin
@mkdir -p $(1) $(B)
@echo "building $(1)/rpc_plugin.so for $(UWSGI), see $(call log_of,$(1))"
@cd $(1) && CC="$(CC)" PYTHON=$(PYTHON) RPC_CFLAGS="-Wall -Wextra -Werror $(2)" RPC_LDFLAGS="$(3)" \
	$(UWSGI) --build-plugin $(CURDIR) >$(CURDIR)/$(call log_of,$(1)) 2>&1 || \
	{ cat $(CURDIR)/$(call log_of,$(1)); exit 1; }
endef
log_of = $(if $(filter .,$(1)),$(B),$(1))/plugin.log

# The uWSGI that was built for last; another one, or another version, has the plugin built anew.
$(B)/built-for: FORCE | $(B)
	@echo "$(UWSGI) $$($(UWSGI) --version)" >$@.now; cmp -s $@.now $@ || cp $@.now $@
.PHONY: FORCE

rpc_plugin.so: $(SOURCES) $(B)/built-for
	$(call build_plugin,.)

$(B)/asan/rpc_plugin.so: $(SOURCES) $(B)/built-for
	$(call build_plugin,$(B)/asan,$(SAN),$(SAN))

$(B)/lacking/rpc_plugin.so: export RPC_WITHOUT := libxml-2.0 openssl
$(B)/lacking/rpc_plugin.so: $(SOURCES) $(B)/built-for
	$(call build_plugin,$(B)/lacking,-O0)

# --- unit tests: the pure modules under the sanitizers, each test_NAME.c a program of its own ---

UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c tests/unit/*/test_*.c))
UNIT_LIBS = $(shell pkg-config --libs check libxml-2.0 jansson zlib openssl) $(LIBATOMIC)
UNIT_CFLAGS = $(WARN) -std=gnu11 -g -O1 $(SAN) -I. -Itests/unit $(shell pkg-config --cflags check libxml-2.0 jansson zlib openssl) \
	-DRPC_TLS \
	-DRPC_TEST_DATA='"$(CURDIR)/tests/data"'

$(B)/unit/%.o: %.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(UNIT): $(B)/unit/%: tests/unit/%.c $(PURE:%.c=$(B)/unit/%.o) $(wildcard tests/unit/*.h tests/unit/*/*.h)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -o $@ $(filter %.c %.o,$^) $(UNIT_LIBS)

unit: ## run the unit tests
	@$(MAKE) $(PARALLEL) $(UNIT)
	@$(MAKE) -s $(PARALLEL) --output-sync $(UNIT:=.run)

# What is freed is kept from being used again for 16 MiB, which takes a fraction of the time of 256.
.PHONY: $(UNIT:=.run)
$(UNIT:=.run): export ASAN_OPTIONS := quarantine_size_mb=16
$(UNIT:=.run): %.run: %
	@echo "== $<"; $<

# --- end to end: real uWSGI, real nginx, real clients --------------------------------------------

E2E ?= tests/e2e
PYTEST = $(PYTHON) -m pytest -q -p no:cacheprovider --durations=5

# All of them: several at a time, since they wait as much as they compute.
PYTEST_TOGETHER = $(PYTEST) -n 8 --dist loadgroup -m "not alone" tests/e2e
# Then those that measure time, which leave the machine idle for the most part.
PYTEST_ALONE = $(PYTEST) -n 8 --dist loadgroup -m alone $(shell grep -l mark.alone tests/e2e/test_*.py)

define run_e2e
	$(if $(filter tests/e2e,$(E2E)),$(PYTEST_TOGETHER),$(PYTEST) $(E2E))
	$(if $(filter tests/e2e,$(E2E)),$(PYTEST_ALONE))
endef

# Functions of C for the servers of the tests.
TEST_LIBS := $(B)/functions.so $(B)/robust.so
E2E_NEEDS := rpc_plugin.so $(B)/asan/rpc_plugin.so $(B)/lacking/rpc_plugin.so $(TEST_LIBS) $(B)/uwsgi-rpc

$(TEST_LIBS): $(B)/%.so: tests/e2e/%.c | $(B)
	$(CC) $(CFLAGS) $(WARN) -shared -fPIC -o $@ $<

$(B):
	mkdir -p $@

ASAN_PRELOAD = $(shell gcc -print-file-name=libasan.so):$(shell gcc -print-file-name=libubsan.so)

asan: export RPC_PLUGIN_DIR := $(CURDIR)/$(B)/asan
asan: export RPC_PRELOAD = $(ASAN_PRELOAD)
asan: $(E2E_NEEDS) ## run the end-to-end tests with an instrumented plugin
	$(run_e2e)

valgrind: rpc_plugin.so $(B)/robust.so ## the same for every kind of request, under Valgrind, with leaks
	RPC_VALGRIND=1 $(PYTEST) $(E2E)/test_leaks.py -k Valgrind

e2e: $(E2E_NEEDS) ## run the end-to-end tests (E2E=tests/e2e/test_x.py: some)
	$(run_e2e)

.PHONY: e2e-together e2e-alone
e2e-together: $(E2E_NEEDS)
	$(PYTEST_TOGETHER)
e2e-alone: $(E2E_NEEDS)
	$(PYTEST_ALONE)

# The clients from npm, in the versions that package.json names.
NPM := $(B)/npm/node_modules/.package-lock.json
$(NPM): tests/e2e/clients/package.json
	@mkdir -p $(B)/npm
	cp $< $(B)/npm && cd $(B)/npm && npm install --no-package-lock --ignore-scripts --no-audit --no-fund
	@touch $@

# First what is compiled, on all cores; and unit tests and fuzzers in the time that those of deadlines wait.
check: install-packages ## install what is missing, build and run every test
	@$(MAKE) -s -j$(CORES) --output-sync $(NPM) $(E2E_NEEDS) $(UNIT) lint-files fuzzers
	@$(MAKE) -s lint
	@$(MAKE) -s e2e-together
	@$(MAKE) -s -j3 --output-sync e2e-alone unit-beside fuzz FUZZ_TIME=3
	@$(MAKE) -s -j2 --output-sync soak instructions SOAK_TIME=20 SOAK_CALLS=20000 ONLY=ours

.PHONY: unit-beside
unit-beside:
	@nice -n 19 $(MAKE) -s unit

MATRIX_TESTS := $(addprefix tests/e2e/test_,builds.py engines.py languages.py processes.py tls.py)

matrix: rpc_plugin.so $(TEST_LIBS) ## run the interoperability matrix and write it into MATRIX.md
	RPC_MATRIX=write $(PYTEST) -n 4 -m "not alone" $(MATRIX_TESTS)
.PHONY: matrix

# Tests that fail each allocation in turn.
$(addprefix $(B)/unit/,client/test_node client/test_lists client/test_kept client/test_client parse/test_no_memory parse/test_json): UNIT_LIBS += \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup

# Tests that choose the address a socket connects from.
$(B)/unit/client/test_failover: UNIT_LIBS += -Wl,--wrap=connect

# --- the command-line client ---------------------------------------------------------------------

CLI_SRC := $(wildcard cli/*.c client/*.c) rpc_wire.c \
	$(addprefix parse/,bytes.c json.c json_chars.c json_walk.c number.c typed.c)
# Without OpenSSL it knows no nodes in TLS, as the plugin.
CLI_TLS = $(shell pkg-config --exists openssl && echo -DRPC_TLS $$(pkg-config --cflags --libs openssl))

cli: $(B)/uwsgi-rpc ## build the command-line client, build/uwsgi-rpc
.PHONY: cli

$(B)/uwsgi-rpc: $(CLI_SRC) $(HEADERS) $(wildcard cli/*.h) | $(B)
	$(CC) $(CFLAGS) $(WARN) -std=gnu11 -I. -o $@ $(CLI_SRC) $(LDFLAGS) $(CLI_TLS) -lpthread $(LIBATOMIC)

# --- fuzzing: tests/fuzz/fuzz_NAME.c, seeded from tests/data/NAME, FUZZ_TIME seconds each --------

FUZZ_TIME ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

FUZZ_CFLAGS = -g -O1 -std=gnu11 -I. -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-DRPC_TLS $(shell pkg-config --cflags libxml-2.0 jansson zlib openssl)

$(B)/fuzz/%.o: %.c $(HEADERS)
	@mkdir -p $(@D)
	clang $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

$(B)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(PURE:%.c=$(B)/fuzz/%.o)
	clang $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(shell pkg-config --libs libxml-2.0 jansson zlib openssl)

fuzzers: $(FUZZERS) ## build the fuzzers

fuzz: ## fuzz each parser for FUZZ_TIME seconds
	@$(MAKE) $(PARALLEL) fuzzers
	@printf '%s\n' $(FUZZERS) | nice -n 19 xargs -n 1 -P $(CORES) tests/fuzz/run.sh $(FUZZ_TIME)

include tests/checks.mk
include tools/fresh.mk
include tools/package.mk

# --- benchmarks: side by side with the stock plugin, see bench/README.md -------------------------

PEERS := $(B)/peers/abyss $(B)/peers/jsonrpccpp $(B)/peers/grpc $(B)/peers/thrift $(B)/peers/limit $(B)/peers/go
BENCH_LIBS = $(shell pkg-config --cflags --libs grpc++ protobuf)

bench-deps:
	@tools/packages.sh install build bench

bench: rpc_plugin.so | bench-deps ## measure side by side with the stock plugin (BENCH=group for a part)
	@$(MAKE) --no-print-directory $(B)/bench_functions.so $(B)/load $(B)/null/rpc_plugin.so $(PEERS)
	$(PYTHON) bench/run.py "$(BENCH)"

instructions: rpc_plugin.so ## count instructions per call, fail if they grew (CASE=text, ONLY=ours, ACCEPT=1)
	@tools/packages.sh install build check
	@$(MAKE) --no-print-directory $(B)/bench_functions.so $(B)/null/rpc_plugin.so
	@ONLY="$(ONLY)" ACCEPT="$(ACCEPT)" $(PYTHON) bench/instructions.py "$(CASE)"

$(B)/bench_functions.so: bench/functions.c | $(B)
	$(CC) $(CFLAGS) $(WARN) -shared -fPIC -o $@ $<

$(B)/load: bench/load.c | $(B)
	$(CC) $(CFLAGS) $(WARN) -std=gnu11 -o $@ $< -pthread

$(B)/null/rpc_plugin.so: bench/null/null.c bench/null/uwsgiplugin.py
	@mkdir -p $(B)/null
	cd $(B)/null && PYTHON=$(PYTHON) $(UWSGI) --build-plugin $(CURDIR)/bench/null >build.log 2>&1

$(B)/peers:
	mkdir -p $@

$(B)/peers/abyss: bench/peers/abyss.c | $(B)/peers
	$(CC) $(CFLAGS) $(WARN) -o $@ $< $$(xmlrpc-c-config abyss-server --cflags --libs)

$(B)/peers/jsonrpccpp: bench/peers/jsonrpccpp.cc | $(B)/peers
	$(CXX) $(CFLAGS) $(WARN) -o $@ $< $$(pkg-config --cflags --libs libjsonrpccpp-server jsoncpp)

$(B)/peers/grpc: bench/peers/grpc.cc bench/peers/bench.proto | $(B)/peers
	protoc -I bench/peers --cpp_out=$(B)/peers --grpc_out=$(B)/peers \
		--plugin=protoc-gen-grpc=$$(command -v grpc_cpp_plugin) bench/peers/bench.proto
	$(CXX) $(CFLAGS) -I $(B)/peers -o $@ $< $(B)/peers/bench.pb.cc $(B)/peers/bench.grpc.pb.cc $(BENCH_LIBS)

$(B)/peers/thrift: bench/peers/thrift.cc bench/peers/bench.thrift | $(B)/peers
	thrift -out $(B)/peers --gen cpp:no_skeleton bench/peers/bench.thrift
	$(CXX) $(CFLAGS) -I $(B)/peers -o $@ $< $(B)/peers/Rpc.cpp $$(pkg-config --cflags --libs thrift)

$(B)/peers/go: bench/peers/jsonrpc.go | $(B)/peers
	GOCACHE=$(CURDIR)/$(B)/go-cache GOTOOLCHAIN=local go build -o $@ $<

$(B)/peers/limit: bench/peers/limit.c | $(B)/peers
	$(CC) $(CFLAGS) $(WARN) -std=gnu11 -o $@ $<

# --- housekeeping -------------------------------------------------------------------------------

format: ## apply .clang-format
	clang-format -i $(call ours,'*.[ch]')

clean: ## remove everything built
	rm -rf $(B) rpc_plugin.so .uwsgi_plugins_builder
