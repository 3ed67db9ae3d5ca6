#!/bin/sh
# The test command: installs the test tools from the distribution, builds, and runs every test, plain and
# with sanitizers. Its last line is "N passed, N failed". For Debian 12 and 13 and Ubuntu 24.04.
set -eu

usage() {
    cat <<'END'
usage: tests/run.sh [--no-install] [--quick] [--only REGEX]
  --no-install   use what is there; needs neither root nor network
  --quick        the dev build only: no sanitizers, no fuzz corpora
  --only REGEX   only the CTest tests whose name matches, such as unit or integration.init
END
}

install=yes
quick=no
only=
while [ $# -gt 0 ]; do
    case $1 in
    --no-install) install=no ;;
    --quick) quick=yes ;;
    --only)
        [ $# -gt 1 ] || {
            usage >&2
            exit 64
        }
        only=$2
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

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
mkdir -p build
logs=$root/build/logs
mkdir -p "$logs"
npm_tools=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/connect-agent/npm-$(
    sha256sum tests/integration/package-lock.json | cut -c 1-16
)
failed=0
junit=

say() {
    printf '%s\n' "tests: $*"
}

# Runs a command with its output in logs/NAME; on failure shows the end of it.
quietly() {
    log=$logs/$1
    shift
    "$@" >"$log" 2>&1 </dev/null || {
        say "failed: $*; the end of $log:"
        tail -n 20 "$log"
        return 1
    }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

install_packages() {
    wanted=$(sort -u deploy/packages.txt tests/packages.txt)
    # Node is wanted for the conformance tests only, and may be there from elsewhere.
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        wanted="$wanted nodejs npm"
    fi
    missing=
    for package in $wanted; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
        [ "$status" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing:$missing"
    # One broken source among the machine's must not matter as long as the packages come.
    quietly apt-update as_root apt-get update || true
    # shellcheck disable=SC2086 # a list of words
    quietly apt-install apt_install $missing
}

# 1Password's client and the validating proxy, at the versions of package-lock.json, in a cache
# outside the tree. Without them (no network, no node) the tests that need them say so and skip.
install_npm_tools() {
    [ ! -d "$npm_tools" ] && command -v npm >/dev/null || return 0
    say "installing npm tools into $npm_tools"
    mkdir -p "${npm_tools%/*}" && fresh=$(mktemp -d "${npm_tools%/*}/fresh-XXXXXX") || return 0
    cp tests/integration/package.json tests/integration/package-lock.json "$fresh"
    if quietly npm npm ci --prefix "$fresh" --ignore-scripts --no-audit --no-fund; then
        # Another run may have been faster; then its result is as good.
        mv -T "$fresh" "$npm_tools" 2>/dev/null || rm -rf "$fresh"
    else
        rm -rf "$fresh"
        say "npm tools cannot be installed: the tests that need them will be skipped"
    fi
}

use_npm_tools() {
    if [ -d "$npm_tools" ]; then
        export NODE_PATH="$npm_tools/node_modules${NODE_PATH:+:$NODE_PATH}"
        export PRISM="$npm_tools/node_modules/.bin/prism"
    fi
}

# kube-apiserver and etcd take some minutes the first time, so they are built while other tests run; the tests that
# need them wait for the lock of the cache. Without Go or its proxy these say so and skip.
build_apiserver() {
    case ${only:-kubernetes} in
    *kubernetes* | *injection*) ;;
    *) return 0 ;;
    esac
    command -v go >/dev/null || return 0
    say "building kube-apiserver and etcd in the background, where the cache has none"
    nice python3 tests/kubernetes/cluster.py build >"$logs/apiserver" 2>&1 </dev/null &
}

# Configures and builds a preset. A failed build is a failed test.
build() {
    say "building $1"
    if quietly "configure-$1" cmake --preset "$1" && quietly "build-$1" cmake --build --preset "$1"; then
        return 0
    fi
    failed=$((failed + 1))
    return 1
}

run_ctest() {
    say "running the tests of build/$1"
    rm -f "build/$1/junit.xml"
    ctest --test-dir "build/$1" --output-on-failure -j 2 --output-junit junit.xml \
        --test-output-size-passed 1000000 --test-output-size-failed 10000000 \
        ${only:+-R "$only"} </dev/null || true # the summary has the failures
    if [ -f "build/$1/junit.xml" ]; then
        junit="$junit build/$1/junit.xml"
    else
        say "CTest wrote no results for build/$1"
        failed=$((failed + 1))
    fi
}

# Criterion exits with 0 when a test leaks, since each is a child: what counts is whether a sanitizer
# wrote a log. A child may run as another user, so everyone may write there.
run_sanitized() {
    reports=$root/build/asan/reports
    rm -rf "$reports"
    mkdir -p "$reports"
    chmod 1777 "$reports"
    common="log_path=$reports/report:log_exe_name=1"
    (
        export ASAN_OPTIONS="$common:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
        export LSAN_OPTIONS="$common"
        export UBSAN_OPTIONS="$common:print_stacktrace=1"
        run_ctest asan
        printf '%s\n' "$failed" "$junit" >"$logs/asan-result"
    )
    failed=$(sed -n 1p "$logs/asan-result")
    junit=$(sed -n 2p "$logs/asan-result")
    for report in "$reports"/*; do
        [ -f "$report" ] || continue
        say "a sanitizer reports ($report):"
        head -n 40 "$report"
        failed=$((failed + 1))
    done
}

# Each harness reads its corpus once; looking for new inputs is another job.
run_fuzz() {
    [ -f tests/fuzz/CMakeLists.txt ] || return 0
    command -v clang >/dev/null || {
        say "no clang: the fuzz corpora are not replayed"
        return 0
    }
    build fuzz || return 0
    run_ctest fuzz
}

if [ "$install" = yes ]; then
    install_packages
    install_npm_tools
    build_apiserver
fi
use_npm_tools
if build dev; then
    run_ctest dev
fi
if [ "$quick" = no ]; then
    if build asan; then
        run_sanitized
    fi
    run_fuzz
fi
wait # for kube-apiserver: nothing is left running

# shellcheck disable=SC2086 # a list of words
python3 tests/summary.py --failed "$failed" $junit
