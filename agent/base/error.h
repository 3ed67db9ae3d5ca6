/* One error object of fixed storage, filled where a failure happens and wrapped outward
 * with context. The closed set of codes is what a caller can decide on; one table says
 * what each means for the exit status, retries and metrics. Nothing here allocates. */
#pragma once

#include <stdbool.h>

#include "base/limits.h"

enum error_code {
    ERROR_NONE,
    ERROR_USAGE,       /* command line or environment */
    ERROR_TEMPLATE,    /* the template is wrong */
    ERROR_NOT_FOUND,   /* a reference leads nowhere (yet) */
    ERROR_GONE,        /* what Connect listed a moment ago is not there (404) */
    ERROR_AMBIGUOUS,   /* a reference leads to several places */
    ERROR_CONTENT,     /* a value that the output cannot carry */
    ERROR_UNREACHABLE, /* no connection, timeout, 408, 429, 5xx */
    ERROR_PROTOCOL,    /* an answer that is not Connect's: cut, garbage, too large */
    ERROR_REQUEST,     /* Connect calls our request wrong (400) */
    ERROR_TOKEN_FILE,  /* the token is missing or cannot be one */
    ERROR_TOKEN,       /* Connect rejects the token (401) */
    ERROR_FORBIDDEN,   /* the token has no access to a vault (403) */
    ERROR_OUTPUT,      /* an output cannot be written */
    ERROR_HOOK,        /* a hook failed: a check before publishing, a reload after it */
    ERROR_MEMORY,
    ERROR_SYSTEM, /* a system call that should not fail did */
    ERROR_CODES,
};

/* How a failed request is treated (design.md, "Failing"). */
enum error_retry {
    ERROR_RETRY_NEVER,     /* trying again gives the same */
    ERROR_RETRY_SOFT,      /* may be a hiccup: a few tries, then it is final */
    ERROR_RETRY_TRANSIENT, /* heals by itself: as long as there is time */
};

struct error {
    enum error_code code;
    int number; /* errno of the cause, or 0 */
    char message[LIMIT_MESSAGE];
};

struct error_class {
    const char *label; /* metric label and `error` field of the log */
    int exit_status;   /* sysexits(3) */
    enum error_retry retry;
};

/* Fills *err and returns false, so that a failing function can `return error_set(…)`. The
 * message is made printable: control bytes, invalid UTF-8 and direction marks become '?'. */
bool error_set(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": " and the text of `number` (an errno) appended. */
bool error_set_errno(struct error *err, enum error_code code, int number, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "context: " before the message; keeps code and number. Returns false. */
bool error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Never null; an unknown code is described as an internal error (exit status 70). */
const struct error_class *error_describe(enum error_code code);
