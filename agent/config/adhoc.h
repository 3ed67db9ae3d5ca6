/* A template of one file that no YAML describes, for `read` and `inject`: how to reach Connect
 * comes from the environment, the flags, and the connect block of a template, if one is named. */
#pragma once

#include <stdbool.h>

#include "config/config.h"

/* What the one file holds. */
struct adhoc {
    const char *name; /* for places: "<standard input>", a path; null: it is one reference */
    struct str text;  /* a reference, or a template as `op inject` takes it; borrowed */
};

/* `path`: the template whose connect block counts; null: none. The rest is as for config_load. */
bool adhoc_load(const struct adhoc *adhoc, const char *path, const struct overrides *overrides,
                struct findings *findings, struct template **ret_template);
