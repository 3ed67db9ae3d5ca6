/* The `exec:` block. */
#pragma once

#include <stdbool.h>

#include "config/decode.h"

extern const struct shape launch_shape;

/* Into decoder->template. Where the block does not count, its references are none of the
 * template's: nobody asks Connect for them. */
bool launch_decode(struct decoder *decoder, const struct yaml_node *node, void *into);

/* Adds the variables of decoder->environment whose whole value is a reference, but for those that
 * the block names itself. */
bool launch_add_environment(struct decoder *decoder);
