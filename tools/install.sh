#!/bin/sh
# make install: copies the plugin to DESTDIR/PREFIX/lib/uwsgi/plugins, never over a file that a
# distribution's package owns, and prints the two lines that load it.
set -eu
destdir=$1
dir=$2/lib/uwsgi/plugins
target=$destdir$dir/rpc_plugin.so
if [ -e "$target" ] && dpkg-query -S "$target" >/dev/null 2>&1; then
    echo "$target belongs to a package; choose another PREFIX" >&2
    exit 1
fi
mkdir -p "$destdir$dir"
install -m 644 rpc_plugin.so "$target"
echo "plugin-dir = $dir"
echo "plugin = rpc"
