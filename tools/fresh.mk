# The README on a machine that has nothing; see tools/fresh.sh.

RELEASE ?= bookworm
ARCH ?=
DEB ?= no

.PHONY: fresh
fresh: ## demo and check on a bare Debian, as root (RELEASE=bookworm|trixie, ARCH=, DEB=yes)
	@FRESH_DEB=$(DEB) tools/fresh.sh $(RELEASE) $(ARCH)
