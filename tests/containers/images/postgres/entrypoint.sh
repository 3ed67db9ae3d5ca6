#!/bin/sh
# A new cluster is made for POSTGRES_USER with the password that POSTGRES_PASSWORD_FILE holds, and a database of the
# user's name; who comes over the network needs the password, who comes by the socket does not. An old cluster is left as it is.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    [ -s "${POSTGRES_PASSWORD_FILE:-}" ] || {
        echo "entrypoint: POSTGRES_PASSWORD_FILE names no file with a password" >&2
        exit 1
    }
    initdb -D "$PGDATA" --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" \
        --auth-local=trust --auth-host=scram-sha-256
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=''" start
    psql -qX -U "$POSTGRES_USER" -d postgres -c "CREATE DATABASE \"${POSTGRES_DB:-$POSTGRES_USER}\""
    pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@" -c listen_addresses='*'
