/* The names that are ours in an output directory. Whatever is removed as a leftover was recognised
 * here; names of a template cannot be among them. */
#pragma once

#include <stdbool.h>

#include "base/limits.h"

enum { PATTERN_SIZE = LIMIT_NAME + 1 };

#define PATTERN_DATA "..data"            /* symlink to the published generation */
#define PATTERN_LIST "..connect-agent"   /* manifest of a plain output */
#define PATTERN_THROUGH PATTERN_DATA "/" /* what a name of an atomic output points to begins so */

/* Names that end in 16 random hexadecimal digits. */
enum pattern {
    PATTERN_STAGING, /* ..staging.R: directory of a generation that is being written */
    PATTERN_LINK,    /* ..data_tmp.R: symlink that becomes ..data */
    PATTERN_NEWLIST, /* ..connect-agent.R: manifest that is being written */
    PATTERNS,
};

void pattern_make(enum pattern pattern, char out[static PATTERN_SIZE]);
bool pattern_is(enum pattern pattern, const char *name);

/* .NAME.connect-agent.R: a file of a plain output that is being written; NAME is cut if long. */
void pattern_make_file(const char *name, char out[static PATTERN_SIZE]);
bool pattern_is_file(const char *name);

/* ..2026_11_24_03_33_31.123456789: a complete generation. In UTC; the last 6 digits are random. */
void pattern_make_generation(char out[static PATTERN_SIZE]);
bool pattern_is_generation(const char *name);

/* A path that a template may use: relative, normalised, no line breaks, no name of ours. */
bool pattern_is_publishable(const char *path);
