#!/bin/sh
# make install, make uninstall: puts the plugin, the client, its manual page and its completion for bash
# below DESTDIR/PREFIX, or takes them away; never touches a file that a distribution's package owns. Prints the two lines that
# load the plugin.
#   install.sh install|uninstall DESTDIR PREFIX
set -eu
action=$1
destdir=$2
prefix=$3
plugins=$prefix/lib/uwsgi/plugins

each() { # do: its arguments are a mode, what is installed, and where
    "$1" 644 rpc_plugin.so "$destdir$plugins/rpc_plugin.so"
    "$1" 755 build/uwsgi-rpc "$destdir$prefix/bin/uwsgi-rpc"
    "$1" 644 cli/uwsgi-rpc.1 "$destdir$prefix/share/man/man1/uwsgi-rpc.1"
    "$1" 644 cli/uwsgi-rpc.bash "$destdir$prefix/share/bash-completion/completions/uwsgi-rpc"
}

refuse_a_package_s() {
    if [ -e "$3" ] && dpkg-query -S "$3" >/dev/null 2>&1; then
        echo "$3 belongs to a package; choose another PREFIX" >&2
        exit 1
    fi
}

copy() {
    install -D -m "$1" "$2" "$3"
}

delete() {
    rm -f "$3"
}

each refuse_a_package_s
if [ "$action" = uninstall ]; then
    each delete
    exit 0
fi
each copy
echo "plugin-dir = $plugins"
echo "plugin = rpc"
