/* The `outputs:` list of a template: directories, files, variables. */
#pragma once

#include <stdbool.h>

#include "config/decode.h"
#include "config/yaml.h"

extern const struct shape output_list_shape;

/* Into decoder->template. */
bool output_decode_list(struct decoder *decoder, const struct yaml_node *node, void *into);
