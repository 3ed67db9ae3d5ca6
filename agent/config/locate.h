/* From an offset in a decoded text to the line and column where that byte was written. YAML folds
 * and escapes, but it keeps all that is not blank, in order: the two are walked side by side. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/yaml.h"
#include "model/text.h"

struct locator {
    struct str text;   /* decoded */
    struct str source; /* as written; both borrowed */
    enum yaml_style style;
    size_t text_at;
    size_t source_at;
    size_t blanks; /* of the text, since the last byte that was matched */
    struct place start;
    struct place place; /* of source_at */
    bool lost;          /* an escape that is not understood: everything is at the start */
};

/* The origin borrows the locator, and the locator the node. */
struct text_origin locate_scalar(struct locator *locator, const struct yaml_node *node);
/* The same for a whole file: it is its own source. */
struct text_origin locate_file(struct locator *locator, struct str bytes, const char *file);
