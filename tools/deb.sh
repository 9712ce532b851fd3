#!/bin/sh
# SPDX-License-Identifier: MIT
# make deb: a Debian package for the release at hand, from the sources as they are, in build/deb. Who
# maintains it is said by DEBFULLNAME and DEBEMAIL.
set -eu
cd "$(dirname "$0")/.."
name=uwsgi-plugin-rpc-next
# shellcheck disable=SC1091  # the system's
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
version=0.1.0~${release}1
maintainer="${DEBFULLNAME:-The authors of the plugin} <${DEBEMAIL:-root@$(hostname -f 2>/dev/null || echo localhost)}>"
tree=build/deb/$name

rm -rf build/deb
mkdir -p "$tree"
tar -cf - --exclude=./build --exclude=./.git --exclude='./*.so' --exclude=__pycache__ \
    --exclude='.uwsgi_plugins_builder' . | tar -C "$tree" -xf -
cp -r packaging/debian "$tree/debian"
cd "$tree"
build_depends=$(awk -v release="$release" '
    $1 == "build" && $2 !~ /^(gcc|libc6-dev|make)$/ && (NF == 2 || index(" " $0 " ", " " release " ")) {
        printf "               %s,\n", $2 }' packages.txt)
{
    while IFS= read -r line; do
        case $line in
        @BUILD_DEPENDS@) printf '%s\n' "$build_depends" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <packaging/debian/control
} | sed "s/@MAINTAINER@/$maintainer/" >debian/control
{
    sed "s/@COPYRIGHT@/$(sed -n 's/^Copyright (c) //p' LICENSE)/" packaging/debian/copyright
    sed '1,/^Copyright/d; s/^$/./; s/^/ /' LICENSE | sed 1d
} >debian/copyright
cat >debian/changelog <<EOF
$name ($version) unstable; urgency=medium

  * Built from the sources; see CHANGELOG.md.

 -- $maintainer  $(date -R)
EOF
dpkg-buildpackage --build=binary --no-sign
cd ..
# Nobody's own address, where none was given, is no fault of the package.
nobody='bogus-mail-host,bogus-mail-host-in-debian-changelog,root-in-contact'
[ -z "${DEBEMAIL:-}" ] || nobody=none
lintian --fail-on error --suppress-tags "$nobody" -- *.deb
ls -1 -- *.deb
