/* A text of the template with the values of its references in place. Pure. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "model/text.h"
#include "model/value.h"

/* Where values come from. */
struct sources {
    const struct references *references; /* borrowed */
    const struct values *values;         /* borrowed */
};

/* Does a reference of the text lead nowhere, and nothing worse? */
bool text_is_missing(const struct text *text, const struct sources *sources);

/* Appends it to `into`. When a reference has no value, its own error is the error; ERROR_CONTENT
 * when a filter refuses. *ret_place is then where to look. */
bool text_render(const struct text *text, const struct sources *sources, struct secret *into,
                 struct place *ret_place, struct error *err);
/* The same of one of its spans alone. */
bool text_render_span(const struct text *text, const struct text_span *span,
                      const struct sources *sources, struct secret *into, struct place *ret_place,
                      struct error *err);
