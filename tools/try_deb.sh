#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the package that make deb has built, calls a function through it as its own test does, removes
# it, and fails if that leaves a file behind. As root, on a system that is thrown away.
set -eu
cd "$(dirname "$0")/.."
name=uwsgi-plugin-rpc-next
export DEBIAN_FRONTEND=noninteractive

set -- build/deb/"$name"_*.deb
apt-get update -q
apt-get install -q -y --no-install-recommends uwsgi-plugin-python3 "./$1"
files=$(dpkg -L "$name")
sh -e packaging/debian/tests/call
echo "deb: $(basename "$1") installed, a function called"
apt-get purge -q -y "$name"
for file in $files; do
    [ -d "$file" ] || [ ! -e "$file" ] || { echo "deb: $file is left behind" >&2; exit 1; }
done
! uwsgi-core --need-plugin rpc_next --version >/dev/null 2>&1 || { echo "deb: still loaded" >&2; exit 1; }
echo "deb: $name removed"
