/* The bearer token: read, checked for what cannot be one, and asked what it says of itself. The
 * signature cannot be verified by a client, so its claims are hints for messages, never decisions
 * (connect-api.md, "Token"). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/secret.h"
#include "model/settings.h"

struct token {
    struct secret *bytes; /* owned */
    int64_t expires;      /* seconds since 1970; 0: never, or not said */
    bool readable_by_all; /* the file's mode lets everybody read it */
};

/* From settings->token_file, or, when that is null, from `variable` (the value of OP_CONNECT_TOKEN,
 * null when unset). ERROR_TOKEN_FILE names the source, what was found there and what to do. */
bool token_read(const struct settings *settings, const char *variable, struct token *ret_token,
                struct error *err);
void token_done(struct token *token); /* wipes */

/* Adds what the token says of itself to the server's refusal of it: " (it expired on 2026-11-20)".
 */
void token_explain(const struct token *token, int64_t now, struct error *refusal);
