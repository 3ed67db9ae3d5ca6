/* What a properties file cannot hold, seen before any value is known: its keys are joined, so that
 * two may become one, and it has neither null nor empty lists. */
#pragma once

#include <stdbool.h>

#include "config/decode.h"
#include "model/tree.h"

bool properties_check(struct decoder *decoder, const struct yaml_node *node,
                      const struct tree *tree);
