#!/bin/sh
# The quick start: installs what the build needs, builds, starts a fake Connect server with a sample vault,
# lets connect-agent publish its secrets onto tmpfs, shows what it wrote, then rotates a secret while an
# application runs. For Debian 12 and 13 and
# Ubuntu 24.04, as root or with sudo. Running it again is fine.
set -eu

usage() {
    cat <<'END'
usage: deploy/quickstart.sh [--keep]
  --keep   leave the fake Connect server running, to try things out
END
}

keep=no
case ${1:-} in
'') ;;
--keep) keep=yes ;;
--help)
    usage
    exit 0
    ;;
*)
    usage >&2
    exit 64
    ;;
esac

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
logs=build/logs
mkdir -p "$logs"
agent=build/release/agent/connect-agent
fake=build/fake/fake-connect
vault=tests/data/sample-vault.yaml
demo=/run/connect-agent-demo
live=
template=deploy/quickstart/template.yaml
pid=

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m')
    red=$(printf '\033[31m')
    plain=$(printf '\033[0m')
else
    bold='' red='' plain=''
fi

step() {
    printf '%s\n' "${bold}==>${plain} $*"
}

title() {
    printf '\n%s\n' "${bold}$*${plain}"
}

indent() {
    sed 's/^/    /'
}

die() {
    printf '%s\n' "${red}quickstart: $*${plain}" >&2
    exit 1
}

# Runs a command with its output in a file; on failure shows where it is and its end.
quietly() {
    log=$logs/$1
    shift
    "$@" >"$log" 2>&1 </dev/null || {
        printf '%s\n' "${red}failed: $*${plain}" "the end of $root/$log:" >&2
        tail -n 20 "$log" >&2
        exit 1
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

install_packages() {
    missing=
    while read -r package; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
        [ "$status" = installed ] || missing="$missing $package"
    done <deploy/packages.txt
    if [ -z "$missing" ]; then
        step "Packages for the build: all there"
        return
    fi
    step "Installing packages:$missing"
    # A broken source among the machine's does not matter as long as the packages come.
    as_root apt-get update >"$logs/apt-update" 2>&1 </dev/null || true
    # shellcheck disable=SC2086 # a list of words
    quietly apt-install as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $missing
}

build() {
    step "Building connect-agent ($agent)"
    quietly configure-release cmake --preset release
    quietly build-release cmake --build --preset release
    step "Building the fake Connect server ($fake)"
    quietly configure-fake cmake -S tests/fake -B build/fake -G Ninja -D CMAKE_BUILD_TYPE=Release
    quietly build-fake cmake --build build/fake
}

file_system() {
    stat -f -c %T "$1"
}

# Secrets go onto tmpfs: it is memory, and nothing is left on a disk.
make_place() {
    if [ -d "$demo" ] && [ "$(file_system "$demo")" = tmpfs ]; then
        step "Place for the secrets: $demo (tmpfs, of an earlier run)"
    elif [ "$(file_system /run)" = tmpfs ]; then
        as_root mkdir -p "$demo"
        step "Place for the secrets: $demo (/run is tmpfs)"
    elif as_root mkdir -p "$demo" && as_root mount -t tmpfs -o mode=0755,size=16m tmpfs "$demo" 2>/dev/null; then
        step "Place for the secrets: $demo (a tmpfs of its own, as /run is none here)"
    elif [ "$(file_system /dev/shm 2>/dev/null)" = tmpfs ]; then
        as_root rmdir "$demo"
        demo=/dev/shm/connect-agent-demo
        as_root mkdir -p "$demo"
        step "Place for the secrets: $demo (/run is no tmpfs here, and none can be mounted)"
        sed "s,/run/connect-agent-demo,$demo," "$template" >"$demo/template.yaml"
        template=$demo/template.yaml
    else
        die "no tmpfs: neither /run nor /dev/shm is one, and none can be mounted"
    fi
    as_root chown "$(id -u):$(id -g)" "$demo"
    connect=$demo/connect
    (umask 077 && mkdir -p "$connect/tls" "$connect/tokens")
}

# The server that an earlier --keep left.
stop_earlier() {
    [ -f "$connect/pid" ] || return 0
    earlier=$(cat "$connect/pid")
    case $(readlink "/proc/$earlier/exe" 2>/dev/null) in
    "$root/$fake"*)
        step "Stopping the fake Connect server of an earlier run (pid $earlier)"
        kill "$earlier" 2>/dev/null || true
        ;;
    esac
    rm -f "$connect/pid"
}

# shellcheck disable=SC2329,SC2317 # called by trap
finish() {
    end_live
    [ -n "$pid" ] || return 0
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    rm -f "$connect/pid"
}

# shellcheck disable=SC2329,SC2317 # called by trap too
end_live() {
    for one in $live; do
        kill "$one" 2>/dev/null || true
        wait "$one" 2>/dev/null || true
    done
    live=
}

# The server says on its standard output when it accepts: reading a line from there is waiting for it.
start_fake() {
    rm -f "$connect/said" "$connect/requests.jsonl"
    mkfifo "$connect/said"
    "$fake" --fixture "$vault" --listen 127.0.0.1:0 --port-file "$connect/port" --tls-directory "$connect/tls" \
        --token-directory "$connect/tokens" --log "$connect/requests.jsonl" \
        >"$connect/said" 2>"$logs/fake" </dev/null &
    pid=$!
    read -r _ <"$connect/said" || {
        cat "$logs/fake" >&2
        die "the fake Connect server does not start"
    }
    rm -f "$connect/said"
    echo "$pid" >"$connect/pid"
    cat >"$connect/environment" <<END
export OP_CONNECT_HOST=https://127.0.0.1:$(cat "$connect/port")
export OP_CONNECT_TOKEN_FILE=$connect/tokens/agent
export CONNECT_AGENT_CA_FILE=$connect/tls/ca.pem
END
    # shellcheck source=/dev/null
    . "$connect/environment"
    step "Fake Connect server: $OP_CONNECT_HOST with the vaults of $vault"
}

run_agent() {
    step "connect-agent check -c $template"
    "$agent" check -c "$template" 2>&1 | indent
    "$agent" check -c "$template" >/dev/null 2>&1 || die "the template does not pass"
    step "connect-agent init -c $template"
    "$agent" init -c "$template" --log-format text >"$logs/init" 2>&1 </dev/null || {
        indent <"$logs/init" >&2
        die "connect-agent init ended with $?"
    }
}

# Mode, owner, size and name of everything below the output; names as their links lead to them.
list_output() {
    find "$demo/app" -mindepth 1 \( -type l -printf '%M %u:%g %7s  %p -> %l\n' -o -printf '%M %u:%g %7s  %p\n' \) |
        sort -k 4
}

show() {
    title "The template: $template"
    grep -E '^  - directory|^      - path|op://' "$template" | indent
    title "What connect-agent said"
    indent <"$logs/init"
    title "What it wrote: $demo/app, on $(file_system "$demo/app")"
    list_output | indent
    title "$demo/app/app.env (the sample vault holds no real secret, so here it is)"
    indent <"$demo/app/app.env"
    title "Requests that the fake Connect server counted: $(grep -c . "$connect/requests.jsonl")"
    echo "2 vaults, 6 items and 1 attachment need at most 1 + 2 x 2 + 6 + 1 = 12." | indent
}

# One line of the application, which is waited for.
hear() {
    timeout 60 head -n 1 <&3 || die "nothing heard of the application for 60 s: see $root/$logs/sidecar"
}

# An application, a sidecar, and a secret that is rotated on the server.
rotate_live() {
    new=example-credential-rotated-at-$(date +%H:%M:%S)
    title "Live: an application, and connect-agent sidecar --interval 1s"
    rm -f "$connect/heard"
    mkfifo "$connect/heard"
    deploy/quickstart/application.sh "$demo/app/app.env" >"$connect/heard" 2>&1 </dev/null &
    live=$!
    exec 3<"$connect/heard"
    hear | indent
    "$agent" sidecar -c "$template" --interval 1s --listen off --log-format text >"$logs/sidecar" 2>&1 </dev/null &
    live="$live $!"
    # shellcheck disable=SC2016 # for the inner shell
    timeout 60 sh -c 'until grep -q published "$1"; do sleep 0.1; done' sh "$logs/sidecar" ||
        die "the sidecar does not start: see $root/$logs/sidecar"
    title "The secret prod/stripe/credential gets another value on the server"
    curl --silent --show-error --fail --noproxy '*' --cacert "$CONNECT_AGENT_CA_FILE" -X PUT --data-binary "$new" \
        "$OP_CONNECT_HOST/_fake/vaults/prod/items/stripe/fields/credential" >/dev/null ||
        die "the server took no new value"
    hear >"$connect/line"
    indent <"$connect/line"
    grep -qF "$new" "$connect/line" || die "the application has another value than the server"
    rm -f "$connect/line" "$connect/heard"
    title "What the sidecar said"
    end_live
    indent <"$logs/sidecar"
    exec 3<&-
}

next_kept() {
    trap - EXIT
    title "The fake Connect server runs on, with pid $pid. To stop it: kill $pid"
    title "Try next"
    indent <<END
# say where the server is, and publish again: nothing has changed, so nothing is written
. $connect/environment
$agent init -c $template
# follow the server; in another terminal, rotate a secret with the curl line of deploy/quickstart.sh
$agent sidecar -c $template --interval 1s
# a slip of the finger in a reference
sed 's,prod/db/password,prod/db/pasword,' $template >/tmp/slip.yaml; $agent init -c /tmp/slip.yaml --timeout 5s
END
}

next() {
    title "Try next"
    indent <<END
# the same, and the fake Connect server stays to try things out
deploy/quickstart.sh --keep
# commands and their options; docs/template.md has every key of the template
$agent help
# every test
tests/run.sh
END
}

how_to_remove() {
    title "The files stay. To remove them and the demo's token:"
    sudo=
    [ "$(id -u)" = 0 ] || sudo='sudo '
    if grep -qF " $demo tmpfs " /proc/mounts; then
        echo "${sudo}umount $demo && ${sudo}rmdir $demo"
    else
        echo "${sudo}rm -r $demo"
    fi | indent
}

install_packages
build
make_place
stop_earlier
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
start_fake
run_agent
show
rotate_live
if [ "$keep" = yes ]; then
    next_kept
else
    next
fi
how_to_remove
