/* The subtree of a `json`, `yaml` or `properties` file, as YAML's core schema understands it:
 * numbers, true and false, null; what two YAML readers would take for different things is refused.
 */
#pragma once

#include <stdbool.h>

#include "config/decode.h"
#include "model/tree.h"

/* What is made of the node belongs to the caller also on failure. */
bool tree_decode(struct decoder *decoder, const struct yaml_node *node, struct tree **ret_tree);
