#!/bin/sh
# SPDX-License-Identifier: MIT
# fresh.sh RELEASE [ARCH]: proves the README on a bare Debian. Makes a system of debootstrap's minbase
# and make, nothing else, clones the committed tree into it, and runs "make demo" and "make check"
# there, and then FRESH_MORE, a command; for another architecture than the host's, through qemu, demo
# and the unit tests. Ends with their status; with FRESH_DEB=yes, the Debian package is built there,
# installed, tried and removed instead. Leaves nothing behind but the bare system and the packages it
# has fetched, kept for the next run in FRESH_CACHE (a folder in the system's cache).
#
# It runs in namespaces of its own, with which its mounts and processes end. The tests have no network
# but a loopback interface of their own, so that several systems side by side share no ports; what
# check needs from outside is installed before.
set -eu

inside() { # command: runs it in the system, with no more of the host's environment than the way out
    # shellcheck disable=SC2046  # no words of these have spaces
    chroot "$FRESH_ROOT" env -i HOME=/root LANG=C.UTF-8 CI=true \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        $(env | grep -E '^(https?_proxy|no_proxy|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)=[^ ]*$') \
        sh -c "cd /root/rpc && $1" </dev/null
}

prove() { # in the namespaces
    mount -t proc proc "$FRESH_ROOT/proc"
    mount --rbind /sys "$FRESH_ROOT/sys"
    mount --rbind /dev "$FRESH_ROOT/dev"
    if [ "${FRESH_DEB:-no}" = yes ]; then
        inside 'make deb && tools/try_deb.sh'
        return
    fi
    inside 'make demo'
    if [ "$FRESH_FOREIGN" = yes ]; then
        # AddressSanitizer does not run under qemu; readdir of 32 bits there needs large offsets
        inside 'tools/packages.sh install unit && make unit SAN=-D_FILE_OFFSET_BITS=64'
        return
    fi
    inside 'make deps'
    unshare --net "$0" check
}

case ${FRESH_ROOT:+$1} in
prove) prove; exit ;;
check)
    ip link set lo up
    inside 'make check'
    [ -z "${FRESH_MORE:-}" ] || inside "$FRESH_MORE"
    exit
    ;;
esac

release=${1:?usage: fresh.sh RELEASE [ARCH]}
begin=$(date +%s)
needs() {
    command -v "$1" >/dev/null || { echo "fresh: needs $1 (Debian package $2)" >&2; exit 1; }
}
[ "$(id -u)" = 0 ] || { echo "fresh: needs root, for a system of its own" >&2; exit 1; }
needs debootstrap debootstrap
needs git git
needs ip iproute2
host_arch=$(dpkg --print-architecture)
arch=${2:-$host_arch}
foreign=no
if [ "$arch" != "$host_arch" ]; then
    foreign=yes
    needs "qemu-$(echo "$arch" | sed 's/armhf/arm/; s/arm64/aarch64/; s/ppc64el/ppc64le/')-static" \
        "qemu-user-static, with binfmt-support"
fi
source=$(cd "$(dirname "$0")/.." && pwd)
cache=${FRESH_CACHE:-${XDG_CACHE_HOME:-/var/cache}/uwsgi-rpc-fresh}
base=$cache/$release-$arch.tar
archives=$cache/archives/$release-$arch
mkdir -p "$archives"

# --- the bare system, kept as a tar; its checksum, written last, says that it is whole ------------

base_is_usable() {
    [ -s "$base.sum" ] && (cd "$cache" && sha256sum --check --status "$base.sum")
}

make_base() {
    echo "fresh: making a bare $release ($arch)"
    new=$(mktemp -d "$cache/base.XXXXXX")
    debootstrap --variant=minbase --include=make --arch="$arch" "$release" "$new" >"$base.log" 2>&1 || {
        tail -n 20 "$base.log" >&2
        rm -rf "$new"
        exit 1
    }
    tar -C "$new" --exclude='./var/cache/apt/archives/*.deb' -cf "$base.$$" .
    mv "$base.$$" "$base"
    rm -rf "$new"
    (cd "$cache" && sha256sum "${base##*/}") >"$base.sum"
}

# --- what the host knows of its surroundings: names, mirrors, certificates ---------------------------

sources() { # the host's mirrors, where it is a Debian itself
    # shellcheck disable=SC1091  # the system's
    host_release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016  # apt's own variables
    apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE)' |
        sed -n "s/^Debian \([^ ]*\) $host_release\([a-z-]*\)$/deb \1 $release\2 main/p" | sort -u
}

introduce() {
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    sources >"$root/etc/apt/fresh.list"
    [ ! -s "$root/etc/apt/fresh.list" ] || cp "$root/etc/apt/fresh.list" "$root/etc/apt/sources.list"
    rm "$root/etc/apt/fresh.list"
    apt-config dump | grep -E '^Acquire::(Check|https?:|Retries)' >"$root/etc/apt/apt.conf.d/10host" || true
    for file in /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates/*.crt; do
        [ ! -f "$file" ] || install -D -m 644 "$file" "$root$file"
    done
    for file in "${HOME:-/root}/.npmrc" "$(npm config get globalconfig 2>/dev/null || true)"; do
        [ ! -f "$file" ] || cat "$file" >>"$root/root/.npmrc"
    done
    # the system is thrown away: nothing in it has to survive a power cut
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/fresh"
}

# -----------------------------------------------------------------------------------------------------

base_is_usable || make_base
root=$(mktemp -d "$cache/run.XXXXXX")
trap 'rm -rf "$root"' EXIT
trap 'exit 1' HUP INT TERM
tar -C "$root" -xf "$base"
introduce
git clone --quiet --no-hardlinks "$source" "$root/root/rpc"
cp -al "$archives/." "$root/var/cache/apt/archives/"

status=0
FRESH_ROOT=$root FRESH_FOREIGN=$foreign unshare --mount --propagation private --pid --fork --kill-child \
    "$0" prove || status=$?
cp -aln "$root/var/cache/apt/archives/"*.deb "$archives/" || true
echo "fresh: $release ($arch): $([ $status = 0 ] && echo ok || echo FAILED), $(($(date +%s) - begin)) s"
exit $status
