/* What curl says went wrong, in words that help: which side, what was found, what to do. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/settings.h"

struct failure {
    int code;           /* CURLcode */
    const char *reason; /* curl's own words, possibly empty */
    const struct settings *settings;
    bool elsewhere; /* it is not Connect that was asked: no advice about its settings */
    bool body_too_large;
    bool headers_too_large;
    size_t body_size; /* bytes that came before it failed */
};

/* ERROR_UNREACHABLE when nothing came, ERROR_PROTOCOL when what came is not an answer of Connect.
 */
void failure_describe(const struct failure *failure, struct error *ret_error);
