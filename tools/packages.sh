#!/bin/sh
# Installs, or only names, the Debian packages of packages.txt that are missing.
#   packages.sh install GROUP...   installs them; without root, without apt or on a release whose names
#                                  packages.txt does not know it names them and exits 1
set -eu
cd "$(dirname "$0")/.."
command=$1
shift

# The releases that packages.txt names, the newest last.
known='bookworm trixie'
# shellcheck disable=SC1091  # the system's
release=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-unknown}") || release=unknown
case " $known " in
*" $release "*) names_of=$release ;;
*) names_of=${known##* } ;;
esac

# Under its own name, or provided by another package, as npm is by newer ones of nodejs.
is_installed() {
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' 2>/dev/null | awk -v name="$1" '
        $1 == "installed" { gsub(/[ ,]+/, " "); if (index($0 " ", " " name " ")) found = 1 }
        END { exit !found }'
}

# A group's packages on this release.
packages_of() {
    awk -v group="$1" -v release="$names_of" '
        $1 == group && (NF == 2 || index(" " $0 " ", " " release " ")) { print $2 }' packages.txt
}

missing=
for group in "$@"; do
    for package in $(packages_of "$group"); do
        is_installed "$package" || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0
if [ "$command" = install ] && [ "$names_of" = "$release" ] && [ "$(id -u)" = 0 ] &&
    command -v apt-get >/dev/null; then
    echo "installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    # shellcheck disable=SC2086  # a list
    apt-get install -q -y --no-install-recommends $missing
    exit 0
fi
echo "missing Debian packages:$missing" >&2
if [ "$names_of" = "$release" ]; then
    echo "install them as root: apt-get install --no-install-recommends$missing" >&2
else
    echo "these are the names of Debian $names_of; this is $release, of which packages.txt knows nothing" >&2
fi
exit 1
