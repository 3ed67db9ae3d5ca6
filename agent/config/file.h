/* One entry of `files:`. */
#pragma once

#include <stdbool.h>

#include "config/decode.h"
#include "config/yaml.h"

enum { FILE_MODE_UNSET = 07777 }; /* no mode of its own; no valid mode has these bits */

extern const struct shape file_shape;
extern const struct shape variables_shape; /* of env: */

/* `into` is a struct file. */
bool file_decode(struct decoder *decoder, const struct yaml_node *node, void *into);
/* Into file->variables. */
bool file_decode_variables(struct decoder *decoder, const struct yaml_node *node,
                           struct file *file);
