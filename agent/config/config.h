/* A template file into the model, with everything that is wrong with it found in one run. */
#pragma once

#include <stdbool.h>

#include "base/findings.h"
#include "config/settings.h"
#include "config/shape.h"
#include "model/template.h"

/* Everything a template can say (config/shape.h). */
const struct shape *config_shape(void);
/* The keys of a SHAPE_SETTINGS; room for SETTINGS of them. */
size_t config_block_keys(const char *block, struct key keys[SETTINGS]);

/* Reads `path` (null: there is none), the files it names, the environment and the flags. False when
 * anything is wrong: the findings say what and where, in the order of lines. The template is given
 * in either case, for the places in the findings point into it; after a failure it is good for
 * nothing else. */
bool config_load(const char *path, const struct overrides *overrides, struct findings *findings,
                 struct template **ret_template);
