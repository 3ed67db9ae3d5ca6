/* How to reach Connect, and how often: what a template, the environment or a flag can set. */
#pragma once

#include <stdint.h>

/* Scalars of the `connect:` and `refresh:` blocks and their like. Strings are owned, null when
 * unset. */
struct settings {
    char *host; /* http(s)://host[:port][/prefix] */
    char *token_file;
    char *ca_file;
    char *client_cert_file;
    char *client_key_file;
    uint64_t request_timeout_ms;
    uint64_t interval_ms;
    uint64_t max_stale_ms; /* 0: never stale */
    char *listen;          /* "": no listener */
};

void settings_done(struct settings *settings);
