/* What is wrong with an input, all of it in one run: a bounded list of errors, each with the place
 * it was found at. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct place {
    const char *file; /* borrowed: outlives the findings; null when there is no file */
    unsigned line;    /* from 1; 0 when unknown */
    unsigned column;  /* from 1, in characters; 0 when unknown */
};

struct finding {
    struct place place;
    struct error error;
    bool hidden; /* do not show the line: it may hold a password */
};

struct findings {
    struct finding *list; /* owned */
    size_t count;         /* kept, at most LIMIT_FINDINGS */
    size_t dropped;       /* found beyond that */
};

void findings_init(struct findings *findings);
void findings_done(struct findings *findings);

/* Adds one; returns false so that a failing check can `return findings_add(…)`. */
bool findings_add(struct findings *findings, struct place place, const struct error *error);
/* The same for a line that may hold a password: it is never shown. */
bool findings_hide(struct findings *findings, struct place place, const struct error *error);
bool findings_format(struct findings *findings, struct place place, enum error_code code,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* In the order of files, lines and columns. */
void findings_sort(struct findings *findings);

/* "file:line:column: message", as compilers print it and editors read it. */
void finding_print(const struct finding *finding, char *out, size_t size);
