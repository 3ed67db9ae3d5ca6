/* The command of an exec hook: a program and its arguments. They may name the directory of the
 * generation, and nothing secret: everybody can read them in /proc. */
#pragma once

#include <stdbool.h>

#include "config/decode.h"
#include "config/yaml.h"

extern const struct shape command_shape;

/* `into` is a struct hook; its command belongs to the caller also on failure. */
bool command_decode(struct decoder *decoder, const struct yaml_node *node, void *into);
