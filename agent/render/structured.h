/* Structured files: a subtree of the template in a format with escaping rules of its own. Types and
 * the order of keys are kept. Pure. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "model/tree.h"
#include "render/text.h"

/* Appends the whole file to `into`. On failure *ret_place is the entry that cannot be written. */
typedef bool structured_writer(const struct tree *tree, const struct sources *sources,
                               struct secret *into, struct place *ret_place, struct error *err);

structured_writer structured_json;       /* RFC 8259, indented by two */
structured_writer structured_yaml;       /* block style, every string in double quotes */
structured_writer structured_properties; /* java.util.Properties; nested keys as a.b[0] */

/* --- for the writers --- */

/* The value of a TREE_TEXT; null on failure. Owned by the caller. */
struct secret *structured_text(const struct tree *tree, const struct sources *sources,
                               struct place *ret_place, struct error *err);
/* null, true, a number, or a string in double quotes as JSON and YAML both read it. */
bool structured_scalar(const struct tree *tree, const struct sources *sources, struct secret *into,
                       struct place *ret_place, struct error *err);
bool structured_quoted(const char *text, struct secret *into, struct error *err);
/* A line feed, and two blanks for each level. */
bool structured_newline(unsigned level, struct secret *into, struct error *err);
