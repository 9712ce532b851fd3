# Static analysis and soaks; see the Makefile.

# --- static analysis ----------------------------------------------------------------------------

# The plugin and the command-line client, with the defines of the uWSGI at hand and its header as a
# system header: what is found in there is not ours to mend.
LINT_C := $(PURE) $(KNOWS_UWSGI) $(wildcard cli/*.c)
LINT_H := $(HEADERS) $(wildcard cli/*.h)
LINT_FLAGS = -std=gnu11 -isystem $(B)/lint -I. -DRPC_XMLRPC -DRPC_TLS \
	$(shell pkg-config --cflags libxml-2.0 zlib openssl) $(filter -D%,$(shell $(UWSGI) --cflags))
# uWSGI's API is not const-correct; its option and plugin structs are filled in part. gcc 14 takes a
# descriptor that is kept in a struct for lost.
LINT_WARN := $(WARN) -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wduplicated-cond \
	-Wduplicated-branches -Wnull-dereference -Wno-discarded-qualifiers \
	-Wno-missing-field-initializers -Wno-analyzer-fd-leak

# How much of a function's states clang-tidy looks at: with a third of its own bound it takes half the time.
LINT_STATES := -Xclang -analyzer-config -Xclang max-nodes=75000

# Files of a name, but for what has been built.
ours = $(shell find . \( -name $(B) -o -name '.uwsgi*' \) -prune -o -type f -name $(1) -print)

$(B)/lint/uwsgi.h:
	@mkdir -p $(@D)
	@$(UWSGI) --dot-h >$@

$(B)/lint/%.c.ok: %.c $(LINT_H) .clang-tidy | $(B)/lint/uwsgi.h
	@mkdir -p $(@D)
	@gcc $(LINT_FLAGS) $(LINT_WARN) -O2 -fanalyzer -c -o /dev/null $<
	@clang-tidy --quiet $< -- $(LINT_FLAGS) $(LINT_STATES) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

# A header compiles on its own.
$(B)/lint/%.h.ok: %.h $(LINT_H) | $(B)/lint/uwsgi.h
	@mkdir -p $(@D)
	@gcc $(LINT_FLAGS) $(WARN) -fsyntax-only -x c $<
	@touch $@

.PHONY: lint lint-files
lint-files: $(patsubst %,$(B)/lint/%.ok,$(LINT_C) $(LINT_H))

# What cppcheck finds and how clang-format breaks lines differ from version to version: those of
# Debian 12 decide.
LINT_RELEASE := bookworm
lint: ## analyse the sources: the shape of the house, gcc, clang, cppcheck, shellcheck, format
	@$(MAKE) -s $(PARALLEL) --output-sync lint-files
	@echo "lint: gcc -fanalyzer and clang-tidy found nothing in $(words $(LINT_C)) files"
	@tools/house.py
	@shellcheck -x .ci/run $(call ours,'*.sh')
	@echo "lint: shellcheck found nothing"
	@if grep -qs VERSION_CODENAME=$(LINT_RELEASE) /etc/os-release; then $(MAKE) -s lint-versioned; else \
		echo "lint: cppcheck and clang-format are asked on $(LINT_RELEASE) only"; fi

.PHONY: lint-versioned
lint-versioned:
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability,style \
		--inline-suppr --suppress=missingIncludeSystem --suppress=variableScope -I. $(LINT_C)
	@clang-format --dry-run -Werror $(call ours,'*.[ch]')
	@echo "lint: cppcheck and clang-format found nothing"

# --- soak: traffic for SOAK_TIME seconds, and SOAK_CALLS routed calls of each kind ----------------

SOAK_TIME ?= 600
SOAK_CALLS ?= 200000

$(B)/http_loop: tests/soak/http_loop.c | $(B)
	$(CC) $(CFLAGS) $(WARN) -std=gnu11 -o $@ $<

.PHONY: soak
soak: rpc_plugin.so $(TEST_LIBS) $(B)/http_loop ## good and hostile traffic for SOAK_TIME seconds: is a call lost, does memory grow?
	$(PYTHON) tests/soak/soak.py $(SOAK_TIME)
	$(PYTHON) tests/soak/routes.py $(SOAK_CALLS)

# --- the dearest request of each bridge -----------------------------------------------------------

.PHONY: dearest
dearest: rpc_plugin.so ## CPU seconds per MiB of the dearest request of each bridge
	$(PYTHON) bench/dearest.py

# --- fuzzing what runs: LIVEFUZZ_TIME seconds in all, see tests/livefuzz/live_fuzz.py --------------

LIVEFUZZ_TIME ?= 600

$(B)/livefuzz/marks.so: tests/livefuzz/marks.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(WARN) -shared -fPIC -o $@ $<

.PHONY: livefuzz
livefuzz: rpc_plugin.so $(B)/asan/rpc_plugin.so $(B)/livefuzz/marks.so ## fuzz instrumented servers, every engine (LIVEFUZZ_TIME=600)
	RPC_PLUGIN_DIR=$(CURDIR)/$(B)/asan RPC_PRELOAD="$(ASAN_PRELOAD)" LIVEFUZZ_TIME=$(LIVEFUZZ_TIME) \
		PYTHONPATH=tests/e2e:tests/livefuzz $(PYTEST) -p conftest -p closing_line -rx tests/livefuzz/live_fuzz.py
