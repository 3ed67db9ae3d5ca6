#!/bin/sh
# Lays out what the image holds: the program, the certificates of public CAs of this Debian, licences, and the
# bill of materials where scanners look for one. All of it belongs to root and is the same at each build.
set -eu

[ $# -eq 2 ] || {
    echo "usage: deploy/static/tree.sh BUILT ROOT    BUILT: build.sh --output; ROOT: a new directory" >&2
    exit 64
}
here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
built=$1
root=$2
documents=$root/usr/share/doc/connect-agent

install -D -m 755 "$built/connect-agent" "$root/usr/bin/connect-agent"
install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
install -D -m 644 "$built/connect-agent.spdx.json" "$root/usr/share/sbom/connect-agent.spdx.json"
install -D -m 644 "$here/LICENSE" "$documents/LICENSE"
# The notices of what is linked, one file for each entry of the bill of materials.
for file in "${STATIC_DEPENDENCIES:-$here/build/static-deps}"/copyright/*; do
    install -D -m 644 "$file" "$documents/copyright/${file##*/}"
done
find "$root" -exec touch -h -d "@${SOURCE_DATE_EPOCH:-0}" {} +
