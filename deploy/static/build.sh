#!/bin/sh
# Builds the static connect-agent of the image, on Debian 13: packages, libraries, program, bill of materials.
set -eu

usage() {
    cat <<'END'
usage: deploy/static/build.sh [--no-install] [--output DIR]
  --no-install   use the packages that are there; needs neither root nor their source (but dependencies.sh does, once)
  --output DIR   where connect-agent and connect-agent.spdx.json are put; otherwise they stay in build/static
On another system: docker build . , or (root, debootstrap) tests/chroot.sh trixie deploy/static/build.sh
END
}

install=yes
output=
while [ $# -gt 0 ]; do
    case $1 in
    --no-install) install=no ;;
    --output)
        [ $# -gt 1 ] || {
            usage >&2
            exit 64
        }
        output=$2
        shift
        ;;
    --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 64
        ;;
    esac
    shift
done

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
[ -z "$output" ] || {
    mkdir -p "$output"
    output=$(CDPATH='' cd -- "$output" && pwd)
}
cd "$root"
logs=build/logs
mkdir -p "$logs"
dependencies=${STATIC_DEPENDENCIES:-$root/build/static-deps}
agent=build/static/agent/connect-agent
sbom=build/static/connect-agent.spdx.json
size_most=3000000

say() {
    printf '%s\n' "static: $*"
}

die() {
    printf '%s\n' "static: $*" >&2
    exit 1
}

# Runs a command with its output in a file; on failure shows where it is and its end.
quietly() {
    log=$logs/$1
    shift
    "$@" >"$log" 2>&1 </dev/null || {
        tail -n 20 "$log" >&2
        die "failed: $*; all of its output: $root/$log"
    }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "run it as root, or install sudo"
    fi
}

check_system() {
    # shellcheck disable=SC1091 # a file of the system
    system=$(. /etc/os-release && printf '%s' "${PRETTY_NAME:-unknown}")
    # shellcheck disable=SC1091
    suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    [ "$suite" = trixie ] || {
        cat >&2 <<END
static: this is $system; the static build needs Debian 13 (trixie), whose libraries it is made of. Either
    docker build .                                      builds the image in a Debian 13
    tests/chroot.sh trixie deploy/static/build.sh       builds in a fresh Debian 13 (root, debootstrap)
For a program that uses this system's shared libraries: cmake --preset release && cmake --build --preset release
END
        exit 1
    }
}

install_packages() {
    missing=
    while read -r package; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
        [ "$status" = installed ] || missing="$missing $package"
    done <deploy/static/packages.txt
    [ -n "$missing" ] || return 0
    say "installing:$missing"
    # One broken source among the machine's does not matter as long as the packages come.
    as_root apt-get update >"$logs/apt-update" 2>&1 </dev/null || true
    # shellcheck disable=SC2086 # a list of words
    quietly apt-install as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $missing
}

check_system
[ "$install" = no ] || install_packages
deploy/static/dependencies.sh "$dependencies"
say "building connect-agent"
quietly configure-static cmake --preset static -D STATIC_DEPENDENCIES="$dependencies"
quietly build-static cmake --build --preset static ${JOBS:+-j "$JOBS"}
python3 deploy/static/sbom.py "$dependencies/versions" "$agent" "$sbom"
if [ -n "$output" ]; then
    cp "$agent" "$sbom" "$output"
    say "connect-agent and connect-agent.spdx.json are in $output"
fi
size=$(stat -c %s "$agent")
"$agent" version
say "$agent: $size bytes, $(sha256sum "$agent" | cut -c 1-64)"
[ "$size" -le "$size_most" ] || die "larger than the budget of $size_most bytes"
