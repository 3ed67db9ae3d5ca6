/* What `check` says: for people, with the line and a caret under what is meant; for CI, as JSON
 * (docs/check.md has the shape). Values are never shown, only their sizes. */
#pragma once

#include <stdbool.h>

#include "base/findings.h"
#include "cmd/load.h"
#include "model/value.h"

struct report {
    const struct loaded *loaded;
    const struct findings *findings;
    const struct values *values; /* online: what became of the references; else null */
    const struct error *error;   /* online: why it failed; null when all is well */
    const bool *required;        /* online: which references must lead somewhere */
    bool online;
};

/* To standard output; findings for people to standard error. */
void report_print(const struct report *report, bool json);

/* "ok", "missing", "ambiguous", "no access", "unusable"; "unknown" when Connect was not asked. */
const char *report_status(const struct report *report, size_t reference);
