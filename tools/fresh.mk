# The README on a machine that has nothing; see tools/fresh.sh.

RELEASE ?= bookworm
ARCH ?=
DEB ?= no

.PHONY: fresh
fresh: ## demo and check on a bare Debian, as root (RELEASE=bookworm or trixie, ARCH=; DEB=yes: the package)
	@FRESH_DEB=$(DEB) tools/fresh.sh $(RELEASE) $(ARCH)
