#!/bin/sh
# Runs a command in a clean clone of this repository, in a fresh Debian of a suite that has nothing
# installed but the base system: tests/chroot.sh bookworm deploy/quickstart.sh
# Needs root and debootstrap. Package sources and certificates are those of this machine.
set -eu

usage() {
    cat <<'END'
usage: tests/chroot.sh [--work-tree] [--share DIRECTORY PLACE]... SUITE COMMAND [ARGUMENT...]
  --work-tree               the files as they are now, instead of the last commit
  --share DIRECTORY PLACE   this machine's directory is at PLACE inside, and can be written there
The base system of each suite is kept in ${XDG_CACHE_HOME:-~/.cache}/connect-agent for the next run.
END
}

work_tree=no
shares=
while :; do
    case ${1:-} in
    --work-tree) work_tree=yes ;;
    --share)
        [ $# -gt 2 ] || {
            usage >&2
            exit 64
        }
        shares="$shares$2 $3
"
        shift 2
        ;;
    *) break ;;
    esac
    shift
done
[ $# -ge 2 ] || {
    usage >&2
    exit 64
}
suite=$1
shift

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/connect-agent
base=$cache/base-$suite

say() {
    printf '%s\n' "chroot: $*"
}

# The base system, made once for each suite.
make_base() {
    [ ! -d "$base" ] || return 0
    say "making the base system of $suite"
    mkdir -p "$cache"
    fresh=$(mktemp -d "$cache/fresh-XXXXXX")
    chmod 755 "$fresh"
    debootstrap --variant=minbase "$suite" "$fresh" >"$fresh.log" 2>&1 || {
        tail -n 20 "$fresh.log"
        rm -rf "$fresh"
        exit 1
    }
    rm -f "$fresh.log"
    mv -T "$fresh" "$base"
}

# This machine's way to the package sources: the same hosts, proxies and certificates, another suite.
copy_settings() {
    here=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/ubuntu.sources; do
        [ ! -s "$file" ] || sed "s/\\b$here\\b/$suite/g" "$file" >"$there$file"
    done
    if [ -f "$there/etc/apt/sources.list.d/debian.sources" ]; then
        : >"$there/etc/apt/sources.list"
    fi
    grep -hiE '^ *Acquire::' /etc/apt/apt.conf /etc/apt/apt.conf.d/* 2>/dev/null \
        >"$there/etc/apt/apt.conf.d/90of-the-machine" || true
    cp /etc/resolv.conf /etc/hosts "$there/etc/" 2>/dev/null || true
    mkdir -p "$there/usr/local/share/ca-certificates"
    cp -R /usr/local/share/ca-certificates/. "$there/usr/local/share/ca-certificates/" 2>/dev/null || true
}

copy_project() {
    mkdir -p "$there/src"
    if [ "$work_tree" = yes ]; then
        mkdir "$there/src/main"
        (cd "$root" && git ls-files -z -co --exclude-standard | tar --null -T - --ignore-failed-read -cf -) |
            tar -xf - -C "$there/src/main"
    else
        git clone -q --no-hardlinks "$root" "$there/src/main"
    fi
    if [ -d "$root/../shared" ]; then
        cp -R "$root/../shared/." "$there/src/shared"
    fi
}

# In namespaces of its own, so that nothing stays mounted and nothing runs on. Not chroot(2): unshare, pivot_root and
# dockerd, which tests use, want a root that is a mount, and that of their namespace.
# shellcheck disable=SC2016 # for the shell inside
inside='
    set -e
    there=$1 shares=$2
    shift 2
    mount --bind "$there" "$there"
    mount -t proc proc "$there/proc"
    mount --rbind /sys "$there/sys"
    mount --rbind /dev "$there/dev"
    mount -t tmpfs -o mode=0755 tmpfs "$there/run"
    mount -t tmpfs -o mode=1777 tmpfs "$there/dev/shm"
    printf %s "$shares" | while read -r directory place; do
        mkdir -p "$there$place"
        mount --bind "$directory" "$there$place"
    done
    cd "$there"
    mkdir -p mnt/outside
    pivot_root . mnt/outside
    cd /src/main
    umount -l /mnt/outside
    rmdir /mnt/outside
    status=0
    "$@" || status=$?
    exit "$status"
'

scratch=$(mktemp -d)
there=$scratch/root
trap 'rm -rf --one-file-system "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
make_base
cp -a "$base" "$there"
copy_settings
copy_project
say "running in a fresh $suite: $*"
status=0
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    TERM="${TERM:-dumb}" NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    unshare --mount --propagation private --pid --fork --kill-child \
    sh -c "$inside" sh "$there" "$shares" "$@" </dev/null || status=$?
say "$suite: $*: exit status $status"
exit "$status"
