#!/bin/sh
# Runs the checks of the code that need no running program: all of them, or those named as arguments.
# A check's output is shown when it fails.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
export PYTHONDONTWRITEBYTECODE=1
checks="format tidy cppcheck shellcheck python analyzer floors sizes banned report"
cores=$(nproc)

if [ "${1:-}" = --help ]; then
    echo "usage: tests/lint/run.sh [CHECK...]    CHECK: $checks"
    exit 0
fi
[ $# -eq 0 ] || checks=$*

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

need() {
    command -v "$1" >/dev/null || {
        echo "$1 is not installed: apt-get install \$(cat tests/packages.txt)"
        return 1
    }
}

# These analyzers guess, and each version guesses something else: false alarms of one are weeded out of the code, those
# of all are not. Debian 12's decide. LINT_ANY_VERSION=1 shows what the others say.
is_ours() {
    [ "$2" != "$3" ] && [ -z "${LINT_ANY_VERSION:-}" ] || return 0
    echo "wants $1 $2, Debian 12's, and here is $3; LINT_ANY_VERSION=1 runs it all the same" >"$scratch/skipped"
    return 1
}

# Prints the C files below the folders.
c_files() {
    find "$@" -name '*.[ch]' -type f | sort
}

# The dev build's compile_commands.json, made where it is missing or older than a build file.
configure() {
    commands=build/dev/compile_commands.json
    if [ ! -f "$commands" ] || [ -n "$(find CMakeLists.txt CMakePresets.json agent tests \
        \( -name CMakeLists.txt -o -name '*.cmake' -o -name CMakePresets.json \) -newer "$commands")" ]; then
        cmake --preset dev || return 1
    fi
}

check_format() {
    need clang-format || return 1
    # Debian 12's version decides: others lay some lines out differently.
    formatter=$(command -v clang-format-14 || command -v clang-format)
    c_files agent docs tests | xargs "$formatter" --dry-run -Werror || {
        echo "layout is what clang-format 14 of Debian 12 makes of .clang-format; this is $("$formatter" --version)"
        return 1
    }
}

check_tidy() {
    need clang-tidy || return 1
    is_ours clang-tidy 14 "$(clang-tidy --version | sed -n 's/.*version \([0-9]*\).*/\1/p')" || return 0
    configure && python3 tests/lint/analyse.py tidy build/dev
}

check_analyzer() {
    need gcc || return 1
    is_ours gcc 12 "$(gcc -dumpversion | cut -d . -f 1)" || return 0
    configure && python3 tests/lint/analyse.py analyzer build/dev
}

# memleak, resourceLeak: cppcheck does not know __attribute__((cleanup)). Up to 2.10 it does not know
# __VA_OPT__ either, so it reads a copy in which a list begins with one more element instead.
check_cppcheck() {
    need cppcheck || return 1
    mkdir -p "$scratch/copy/tests"
    cp -R agent "$scratch/copy/"
    cp -R tests/fake "$scratch/copy/tests/"
    find "$scratch/copy" -name '*.[ch]' -exec \
        sed -i 's/{__VA_ARGS__ __VA_OPT__(, )/{{0}, ##__VA_ARGS__, /' {} +
    cd "$scratch/copy" || return 1
    cppcheck -j "$cores" --quiet --std=c11 --error-exitcode=1 --inline-suppr -D_GNU_SOURCE -I agent \
        --enable=warning,performance,portability --suppress=memleak --suppress=resourceLeak \
        --suppress=normalCheckLevelMaxBranches \
        --template='{file}:{line}: {severity}: {message} [{id}]' agent tests/fake
}

check_shellcheck() {
    need shellcheck || return 1
    scripts=$(grep -rlE --exclude-dir=.git --exclude-dir=build --exclude-dir=node_modules \
        '^#! ?/(usr/)?bin/(env )?(ba)?sh' . | sort)
    # shellcheck disable=SC2086 # no script's name holds a blank
    shellcheck -x $scripts && echo "shellcheck: $(echo "$scripts" | wc -l) scripts"
}

check_python() {
    scripts=$(find tests deploy .ci -name '*.py' -not -path '*/node_modules/*' | sort)
    for python in /usr/bin/python3 python3; do
        if "$python" -c 'import pyflakes' 2>/dev/null; then
            # shellcheck disable=SC2086
            "$python" -m pyflakes $scripts
            return
        fi
    done
    echo "python3-pyflakes is not installed: syntax only"
    # shellcheck disable=SC2086
    PYTHONPYCACHEPREFIX=$scratch/pycache python3 -m compileall -q $scripts
}

check_floors() {
    python3 tests/lint/test_floors.py && python3 tests/lint/floors.py
}

check_sizes() {
    python3 tests/lint/test_sizes.py && python3 tests/lint/sizes.py
}

check_banned() {
    python3 tests/lint/banned.py
}

check_report() {
    if ! { cmake --preset release && cmake --build --preset release; } >"$scratch/release" 2>&1; then
        cat "$scratch/release"
        return 1
    fi
    python3 tests/lint/report.py build/release/agent/connect-agent
}

passed=0
failed=
skipped=
for check in $checks; do
    case $check in
    format | tidy | cppcheck | shellcheck | python | analyzer | floors | sizes | banned | report) ;;
    *)
        echo "lint: there is no check \"$check\"; see tests/lint/run.sh --help" >&2
        exit 64
        ;;
    esac
    started=$(date +%s)
    rm -f "$scratch/skipped"
    if ("check_$check") >"$scratch/out" 2>&1; then
        if [ -f "$scratch/skipped" ]; then
            echo "lint: $check: skipped: $(cat "$scratch/skipped")"
            skipped="$skipped $check"
            continue
        fi
        result=ok
        passed=$((passed + 1))
    else
        result=FAILED
        failed="$failed $check"
    fi
    echo "lint: $check: $result ($(($(date +%s) - started)) s)"
    if [ "$result" = FAILED ] || [ "$check" = report ] || [ "$check" = sizes ] || [ $# -gt 0 ]; then
        sed 's/^/    /' "$scratch/out"
    fi
done

if [ -n "$failed" ]; then
    echo "lint: $passed checks passed, failed:$failed${skipped:+, skipped:$skipped}"
    exit 1
fi
echo "lint: $passed checks passed${skipped:+, skipped:$skipped}"
