/* What a template asks of Connect: which references must lead somewhere, and which may not because
 * `optional` or `default` covers every use of them. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "model/template.h"

struct plan {
    bool *required; /* owned; one for each reference of the template */
};

bool plan_init(struct plan *plan, const struct template *template, struct error *err);
void plan_done(struct plan *plan);
