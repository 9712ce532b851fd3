# The README on a machine that has nothing; see tools/fresh.sh.

RELEASE ?= bookworm
ARCH ?=

.PHONY: fresh
fresh: ## as root, demo and check on a bare Debian (RELEASE=bookworm or trixie, ARCH=s390x by qemu)
	@tools/fresh.sh $(RELEASE) $(ARCH)
