#!/bin/sh
# Installs, or only names, the Debian packages of packages.txt that are missing.
#   packages.sh install GROUP...   installs them; without root or apt it names them and exits 1
set -eu
cd "$(dirname "$0")/.."
command=$1
shift

# Under its own name, or provided by another package, as npm is by newer ones of nodejs.
is_installed() {
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' | awk -v name="$1" '
        $1 == "installed" { gsub(/[ ,]+/, " "); if (index($0 " ", " " name " ")) found = 1 }
        END { exit !found }'
}

missing=
for group in "$@"; do
    # shellcheck disable=SC2013  # names are words
    for package in $(awk -v group="$group" '$1 == group { print $2 }' packages.txt); do
        is_installed "$package" || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0
if [ "$command" = install ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    # shellcheck disable=SC2086  # a list
    apt-get install -q -y --no-install-recommends $missing
    exit 0
fi
echo "missing Debian packages:$missing" >&2
echo "install them as root: apt-get install --no-install-recommends$missing" >&2
exit 1
