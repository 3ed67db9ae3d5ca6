#!/bin/sh
# The quick start's application: reads its env file when it starts and on each SIGHUP, and says so.
set -eu

env_file=$1

tell() {
    # shellcheck source=/dev/null
    . "$env_file"
    echo "application (pid $$) $1: STRIPE_KEY=$STRIPE_KEY"
}

# Waiting for a child, unlike sleeping, ends with a signal.
child=
trap 'tell "was sent SIGHUP"' HUP
trap 'kill "$child"; exit 0' TERM
tell "has started"
while :; do
    if [ -z "$child" ] || ! kill -0 "$child" 2>/dev/null; then
        sleep 1000 &
        child=$!
    fi
    wait "$child" || true
done
