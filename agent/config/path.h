/* Paths of outputs: made canonical as text, so that two that mean one place are seen to. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/findings.h"
#include "base/str.h"

/* Absolute, without `.` and `..`, not `/`; doubled and trailing slashes go. *ret_path is owned. */
bool path_normalize_directory(struct str text, char **ret_path, struct error *err);

/* Relative, at most LIMIT_PATH_DEPTH components of at most LIMIT_NAME bytes, none of them `.`, `..`
 * or beginning with `..` (those names are the publisher's). */
bool path_normalize_file(struct str text, char **ret_path, struct error *err);

/* Somebody wants to have a path. */
struct path_claim {
    const char *path; /* borrowed, normalised */
    struct place place;
    size_t order; /* in the template */
};

/* A path comes right before all that lies inside it; equal ones in the template's order. */
void path_sort(struct path_claim claims[], size_t count);

/* Is one the other, or a directory above it? Both normalised. */
bool path_overlaps(const char *a, const char *b);
