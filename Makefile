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
.PHONY: all deps demo check unit e2e asan fuzz format install clean help

all: rpc_plugin.so ## build the plugin for the uWSGI found as $(UWSGI)

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

deps: ## install the Debian packages of packages.txt
	@tests/packages.sh install build demo check

# --- the plugin -------------------------------------------------------------------------------

# The header is inside the binary, so that it always fits it.
$(B)/uwsgi.h: $(shell command -v $(UWSGI)) | $(B)
	$(UWSGI) --dot-h > $@.tmp 2>/dev/null
	@mv $@.tmp $@

$(B):
	mkdir -p $@

# --- unit tests: the pure modules under the sanitizers, each test_NAME.c a program of its own ---

PURE := $(filter-out rpc_plugin.c rpc_table.c rpc_routing.c rpc_http.c rpc_remote.c rpc_metrics.c,$(wildcard rpc_*.c))
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

# --- the remote client: tests that fail each of its allocations, and the command-line program -----

$(B)/unit/test_node $(B)/unit/test_client: UNIT_LIBS += \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strndup

CLI_SRC := $(wildcard cli/*.c) rpc_client.c rpc_node.c rpc_wire.c

cli: $(B)/uwsgi-rpc ## build the command-line client, build/uwsgi-rpc
.PHONY: cli

$(B)/uwsgi-rpc: $(CLI_SRC) $(wildcard *.h cli/*.h) | $(B)
	$(CC) $(CFLAGS) $(WARN) -std=gnu11 -I. -o $@ $(CLI_SRC) $(LDFLAGS) -lpthread

# --- fuzzing: tests/fuzz/fuzz_NAME.c, seeded from tests/data/NAME, FUZZ_TIME seconds each --------

FUZZ_TIME ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

$(B)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(PURE) $(wildcard *.h)
	@mkdir -p $(B)/fuzz
	clang -g -O1 -std=gnu11 -I. -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		$(shell pkg-config --cflags libxml-2.0 jansson) -o $@ $(filter %.c,$^) \
		$(shell pkg-config --libs libxml-2.0 jansson)

fuzz: $(FUZZERS) ## fuzz each codec for FUZZ_TIME seconds
	@tests/fuzz/run.sh $(FUZZ_TIME) $(FUZZERS)

# --- housekeeping -------------------------------------------------------------------------------

format: ## apply .clang-format
	clang-format -i $(shell git ls-files '*.c' '*.h')

clean: ## remove everything built
	rm -rf $(B) rpc_plugin.so .uwsgi_plugins_builder
