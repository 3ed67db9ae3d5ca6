#!/bin/sh
# Lays out the image of the fake Connect server: the program, the shared libraries that it needs, the vault, and
# the directories for its tokens and certificates, which a new volume takes its owner from.
set -eu

[ $# -eq 3 ] || {
    echo "usage: tests/fake/tree.sh PROGRAM FIXTURE ROOT    ROOT: a new directory" >&2
    exit 64
}
program=$1
fixture=$2
root=$3
user=65532

install -D -s -m 755 "$program" "$root/usr/bin/fake-connect"
install -D -m 644 "$fixture" "$root/etc/fake-connect/vault.yaml"
# Every line of ldd with a path in it, the loader's too; each file where the loader looks for it.
ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
    install -D -m 755 "$(realpath "$library")" "$root$library"
done
install -d -m 750 -o "$user" -g "$user" "$root/var/lib/fake-connect" \
    "$root/var/lib/fake-connect/tokens" "$root/var/lib/fake-connect/tls"
