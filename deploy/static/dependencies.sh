#!/bin/sh
# Builds the libraries of the static connect-agent that Debian has no fitting static archive of: curl (HTTP and
# HTTPS only, mbedTLS, c-ares), cJSON and libmicrohttpd (no TLS), from Debian 13's own source packages. mbedTLS,
# c-ares and libyaml are taken as Debian 13 delivers them. What is linked in the end is in PREFIX/versions, and under
# which terms in PREFIX/copyright.
set -eu

usage() {
    cat <<'END'
usage: deploy/static/dependencies.sh PREFIX
  Needs the packages of deploy/static/packages.txt and a way to Debian's source packages; `deb` entries in
  /etc/apt are enough. A second run does nothing; remove PREFIX to build anew from the newest sources.
  JOBS=N in the environment: how many compilers at once.
END
}

case ${1:-} in
--help)
    usage
    exit 0
    ;;
'' | -*)
    usage >&2
    exit 64
    ;;
esac
[ $# -eq 1 ] || {
    usage >&2
    exit 64
}

script=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/$(basename -- "$0")
mkdir -p "$1"
prefix=$(CDPATH='' cd -- "$1" && pwd)
jobs=${JOBS:-$(nproc)}
work=

say() {
    printf '%s\n' "dependencies: $*"
}

die() {
    printf '%s\n' "dependencies: $*" >&2
    exit 1
}

# shellcheck disable=SC2329,SC2317 # called by trap
clean_up() {
    [ -z "$work" ] || rm -rf "$work"
}

# Runs a command with its output in a file; on failure shows where it is and its end.
quietly() {
    log=$prefix/logs/$1
    shift
    "$@" >"$log" 2>&1 </dev/null || {
        tail -n 30 "$log" >&2
        die "failed: $*; all of its output: $log"
    }
}

check_system() {
    # shellcheck disable=SC1091 # a file of the system
    suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    [ "$suite" = trixie ] || die "this needs Debian 13 (trixie), which has mbedTLS 3.6; here is \"$suite\". \
Build the image instead (docker build .), or use tests/chroot.sh trixie deploy/static/build.sh"
    while read -r package; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            die "$package is not installed: apt-get install \$(cat deploy/static/packages.txt)"
    done <"${script%/*}/packages.txt"
}

# PREFIX is emptied: so it must be new, or what an earlier run left, and never / or /usr.
empty_prefix() {
    if [ -n "$(ls -A "$prefix")" ] && [ ! -f "$prefix/.static-deps" ]; then
        die "$prefix holds something that this script did not make; name a new folder"
    fi
    find "$prefix" -mindepth 1 -delete
    : >"$prefix/.static-deps"
    mkdir "$prefix/logs"
}

# What decides the result: this script, the compiler, and the headers that are compiled against.
stamp_of_now() {
    {
        sha256sum <"$script"
        dpkg-query -W gcc libc6-dev libmbedtls-dev libc-ares-dev libyaml-dev
    } | sha256sum | cut -d ' ' -f 1
}

# The machine's package sources with every `deb` made `deb-src`, in a place of their own, so that nothing of
# the machine changes. Both formats of apt: one line for each, and stanzas (deb822).
derive_sources() {
    mkdir -p "$work/sources" "$work/lists/partial"
    set -- /etc/apt/sources.list /etc/apt/sources.list.d/*.list
    for file in "$@"; do
        [ ! -f "$file" ] || sed -nE 's/^[[:space:]]*deb(-src)?[[:space:]]+/deb-src /p' "$file"
    done | sort -u >"$work/sources/all.list"
    n=0
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        n=$((n + 1))
        sed -E 's/^[Tt]ypes:.*/Types: deb-src/' "$file" >"$work/sources/$n.sources"
    done
    # apt fetches as a user of its own, who has to reach this.
    chmod 755 "$work"
}

# apt-get and its like on these sources alone.
with_sources() {
    tool=$1
    shift
    "$tool" -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" \
        -o Dir::State::lists="$work/lists" -o Acquire::Languages=none \
        -o APT::Sandbox::User=root "$@"
}

# The versions of a source package that Debian 13 has by its signed lists, newest first.
versions_of() {
    # shellcheck disable=SC2016 # variables of apt
    with_sources apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(FILENAME)' 'Created-By: Sources' |
        while read -r origin codename file; do
            case $origin/$codename in
            Debian/trixie | Debian/trixie-updates | Debian/trixie-security) ;;
            *) continue ;;
            esac
            /usr/lib/apt/apt-helper cat-file "$file" | awk -v wanted="$1" '
                /^Package:/ { package = $2 }
                /^Version:/ && package == wanted { print $2 }'
        done | sort -u -V -r
}

# Fetches a source package and unpacks it to $work/NAME. apt verifies it: the list of packages by Debian's
# signature, the files by the list. Sets `version`.
fetch() {
    newest=
    for version in $(versions_of "$1"); do
        newest=${newest:-$version}
        mkdir -p "$work/packages/$1"
        if (cd "$work/packages/$1" && with_sources apt-get -q source --download-only --only-source "$1=$version") \
            >"$prefix/logs/fetch-$1-$version" 2>&1 </dev/null; then
            [ "$version" = "$newest" ] ||
                say "warning: the mirror lacks the files of $1 $newest, the newest; $version is used instead"
            quietly "unpack-$1" dpkg-source --no-check -x \
                "$work/packages/$1/$1_$(printf '%s' "$version" | sed 's/^[0-9]*://').dsc" "$work/$1"
            say "building $1 $version"
            return 0
        fi
    done
    [ -n "$newest" ] || die "no $1 among the source packages of Debian 13 that apt knows here"
    tail -n 5 "$prefix/logs/fetch-$1-$newest" >&2
    die "no version of $1 can be fetched"
}

# The hardening of agent/flags.cmake, each flag as far as this compiler has it for this machine.
choose_flags() {
    flags="-Os -fPIE -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
    for flag in -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
        -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr \
        -fno-delete-null-pointer-checks -fno-strict-overflow; do
        ! gcc -Werror "$flag" -x c -c -o "$work/probe.o" /dev/null 2>/dev/null || flags="$flags $flag"
    done
    # Nothing of this machine or this directory is in the result.
    flags="$flags -ffile-prefix-map=$work=."
    export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1}"
}

cmake_build() {
    name=$1
    shift
    quietly "configure-$name" cmake -S "$work/$name" -B "$work/$name/build" -G Ninja \
        -D CMAKE_BUILD_TYPE=None -D CMAKE_C_FLAGS="$flags" -D CMAKE_INSTALL_PREFIX="$prefix" \
        -D CMAKE_INSTALL_LIBDIR=lib -D BUILD_SHARED_LIBS=OFF \
        -D CMAKE_C_ARCHIVE_CREATE='<CMAKE_AR> qcD <TARGET> <LINK_FLAGS> <OBJECTS>' "$@"
    quietly "build-$name" cmake --build "$work/$name/build" -j "$jobs"
    quietly "install-$name" cmake --install "$work/$name/build"
}

# Proxies and plain passwords for them stay; HTTP's other extras go: the agent asks one server by token.
# The verbose strings stay, since without them curl has no error messages.
build_curl() {
    off=
    for part in ALTSVC AWS BINDLOCAL COOKIES DIGEST_AUTH DOH FORM_API HSTS HEADERS_API KERBEROS_AUTH MIME \
        NEGOTIATE_AUTH NETRC NTLM PROGRESS_METER SHA512_256 SHUFFLE_DNS WEBSOCKETS; do
        off="$off -D CURL_DISABLE_$part=ON"
    done
    # shellcheck disable=SC2086 # a list of words
    cmake_build curl -D HTTP_ONLY=ON $off \
        -D BUILD_CURL_EXE=OFF -D BUILD_STATIC_LIBS=ON -D BUILD_TESTING=OFF -D BUILD_EXAMPLES=OFF \
        -D BUILD_LIBCURL_DOCS=OFF -D BUILD_MISC_DOCS=OFF -D ENABLE_CURL_MANUAL=OFF \
        -D CURL_USE_MBEDTLS=ON -D CURL_USE_OPENSSL=OFF -D ENABLE_ARES=ON -D ENABLE_IPV6=ON \
        -D CURL_USE_LIBPSL=OFF -D CURL_USE_LIBSSH2=OFF -D CURL_USE_GSSAPI=OFF -D USE_LIBIDN2=OFF \
        -D USE_NGHTTP2=OFF -D CURL_ZLIB=OFF -D CURL_BROTLI=OFF -D CURL_ZSTD=OFF \
        -D CURL_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt -D CURL_CA_PATH=none
}

build_cjson() {
    cmake_build cjson -D ENABLE_CJSON_TEST=OFF -D ENABLE_CJSON_UTILS=OFF -D ENABLE_CUSTOM_COMPILER_FLAGS=OFF
}

build_libmicrohttpd() {
    cd "$work/libmicrohttpd"
    quietly configure-libmicrohttpd ./configure --prefix="$prefix" --libdir="$prefix/lib" \
        --disable-shared --enable-static --disable-https --enable-epoll --disable-poll --disable-doc \
        --disable-examples --disable-tools --disable-curl --disable-bauth --disable-dauth \
        --disable-postprocessor --disable-httpupgrade --disable-cookie --enable-build-type=neutral \
        CFLAGS="$flags" ARFLAGS=crD
    quietly build-libmicrohttpd make -j "$jobs"
    quietly install-libmicrohttpd make install
    cd "$prefix"
}

# NAME SOURCE-PACKAGE VERSION LICENCE COPYRIGHT: version and licence as Debian and SPDX write them, and the file
# with the notices that whoever passes the program on has to pass on too.
note() {
    printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" >>"$work/versions"
    mkdir -p "$prefix/copyright"
    cp "$5" "$prefix/copyright/$1"
}

# What Debian delivers compiled: the version of the source package that a package was made from.
note_installed() {
    # shellcheck disable=SC2016 # variables of dpkg
    found=$(dpkg-query -W -f '${source:Package} ${source:Version}' "$2")
    note "$1" "${found% *}" "${found#* }" "$3" "/usr/share/doc/$2/copyright"
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
check_system
stamp=$(stamp_of_now)
if [ "$(cat "$prefix/stamp" 2>/dev/null)" = "$stamp" ]; then
    say "$prefix is up to date"
    exit 0
fi
empty_prefix
work=$(mktemp -d)
derive_sources
quietly apt-update with_sources apt-get update
choose_flags
for package in curl cjson libmicrohttpd; do
    fetch "$package"
    "build_$package"
    case $package in
    curl) licence=curl name=curl ;;
    cjson) licence=MIT name=cJSON ;;
    libmicrohttpd) licence='LGPL-2.1-or-later OR GPL-2.0-or-later WITH eCos-exception-2.0' name=libmicrohttpd ;;
    esac
    note "$name" "$package" "$version" "$licence" "$work/$package/debian/copyright"
done
note_installed mbedTLS libmbedtls-dev 'Apache-2.0 OR GPL-2.0-or-later'
note_installed c-ares libc-ares-dev MIT
note_installed libyaml libyaml-dev MIT
note_installed glibc libc6-dev LGPL-2.1-or-later
note_installed libgcc "$(dpkg-query -S "$(gcc -print-libgcc-file-name)" | cut -d : -f 1)" \
    'GPL-3.0-or-later WITH GCC-exception-3.1'
rm -rf "${prefix:?}/bin" # scripts of curl
mv "$work/versions" "$prefix/versions"
printf '%s\n' "$stamp" >"$prefix/stamp"
say "all in $prefix:"
cut -f 1,3 "$prefix/versions" | sed 's/^/    /'
