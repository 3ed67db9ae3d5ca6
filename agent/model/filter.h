/* The filters of {{ op://… | filter }}: a small closed set (docs/template.md, "Filters"). Here is
 * what they are called; render/filter.h applies them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

enum filter {
    FILTER_BASE64,
    FILTER_BASE64URL,
    FILTER_BASE64DECODE,
    FILTER_INDENT,
    FILTER_JSON,
    FILTER_LINES,
    FILTER_LOWER,
    FILTER_SH,
    FILTER_TRIM,
    FILTER_UPPER,
    FILTER_URLENCODE,
    FILTER_XML,
    FILTERS,
};

struct filter_use {
    enum filter filter;
    unsigned number; /* of `indent 4`; else 0 */
};

const char *filter_name(enum filter filter);
const char *filter_help(enum filter filter); /* one line */
bool filter_takes_number(enum filter filter);

/* One filter as a template writes it, "indent 4", without blanks around it. ERROR_TEMPLATE knows
 * what other programs call the same. */
bool filter_parse(struct str text, struct filter_use *ret_use, struct error *err);
