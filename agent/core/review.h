/* What is wrong with a template before any value is known, and takes more than one peer to see:
 * literals that a dialect cannot carry. */
#pragma once

#include <stdbool.h>

#include "base/findings.h"
#include "model/template.h"

/* False when there is something; the findings are sorted. */
bool review_template(const struct template *template, struct findings *findings);
/* For who publishes: a template of an exec block alone is not for him. */
bool review_outputs(const struct template *template, struct findings *findings);
