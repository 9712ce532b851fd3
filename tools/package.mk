# What a user installs: below PREFIX, or as a Debian package.

.PHONY: install uninstall deb

install: rpc_plugin.so $(B)/uwsgi-rpc ## install plugin, client, manual, completion (PREFIX=/usr/local, DESTDIR=)
	@tools/install.sh install "$(DESTDIR)" "$(PREFIX)"

uninstall: ## remove what install has put there
	@tools/install.sh uninstall "$(DESTDIR)" "$(PREFIX)"

deb: ## build a Debian package for the release at hand, in build/deb
	@tools/packages.sh install build deb
	@tools/deb.sh
