#!/bin/sh
# Runs the integration tests with the static program: all that it does has to be in its list of system calls
# (agent/io/calls.c), and what an intruder does must not. Needs the dev build (tests/run.sh --quick), and root and
# debootstrap to make the static one, which is kept for the next run.
set -eu

usage() {
    cat <<'END'
usage: tests/static.sh [PYTEST-ARGUMENT...]
  without arguments: all of tests/integration but what does not run the agent
  e.g. tests/static.sh tests/integration/test_sandbox.py
STATIC_PROGRAMS names a directory that has connect-agent and compromised already.
END
}

case ${1:-} in
-h | --help)
    usage
    exit 0
    ;;
esac

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/connect-agent

# Of everything that decides the two programs.
content() {
    git ls-files -z -co --exclude-standard agent docs/man deploy/static CMakeLists.txt CMakePresets.json \
        tests/integration/attack.c tests/integration/attack.cmake |
        LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16
}

# Beside the libraries, which change more rarely, and which are made again only when dependencies.sh wants it.
build() {
    fresh=$(mktemp -d "$cache/fresh-XXXXXX")
    mkdir -p "$cache/static-libraries"
    # shellcheck disable=SC2016 # for the shell inside
    tests/chroot.sh --work-tree --share "$cache/static-libraries" /libraries --share "$fresh" /output trixie sh -c '
        export STATIC_DEPENDENCIES=/libraries/static-deps JOBS=2
        deploy/static/build.sh --output /output &&
        cmake --preset static -B build/attack -D STATIC_DEPENDENCIES=$STATIC_DEPENDENCIES -D COMPROMISED=ON >/dev/null &&
        cmake --build build/attack -j 2 --target compromised >/dev/null &&
        cp build/attack/compromised /output' || {
        rm -rf "$fresh"
        exit 1
    }
    rm -rf "$cache"/static-programs-*
    mv -T "$fresh" "$1"
}

programs=${STATIC_PROGRAMS:-$cache/static-programs-$(content)}
[ -x "$programs/compromised" ] || {
    mkdir -p "$cache"
    build "$programs"
}
python=$(sed -n 's/^PYTEST_PYTHON:FILEPATH=//p' build/dev/CMakeCache.txt)
[ $# -gt 0 ] || set -- --ignore tests/integration/test_fake.py --ignore tests/integration/test_manual.py tests/integration
AGENT=$programs/connect-agent COMPROMISED=$programs/compromised SANDBOX_STATIC=1 \
    FAKE_CONNECT=$root/build/dev/tests/fake/fake-connect ENV_TOOL=$root/build/dev/tests/integration/env-tool \
    exec "$python" -m pytest -q -rs -p no:cacheprovider "$@"
