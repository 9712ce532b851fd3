# The README on a machine that has nothing; see tools/fresh.sh.

RELEASE ?= bookworm
ARCH ?=

.PHONY: fresh
fresh: ## demo and check on a bare Debian, as root (RELEASE=bookworm or trixie, ARCH=)
	@tools/fresh.sh $(RELEASE) $(ARCH)
