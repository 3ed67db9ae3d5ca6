/* Variables of references and of `op inject` templates: $NAME, ${NAME}, ${NAME:-default}, from the
 * environment, without regard to case (connect-api.md, "op inject templates"). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

/* Size of the variable that is written at offset `at`, a '$'; 0 when it is none. */
size_t variable_size(struct str source, size_t at);

/* The value of the variable that `text` writes, borrowed from `environment` (NAME=value, ended by
 * null; may be null) or from `text`. The exact name wins over one of another case. ERROR_TEMPLATE
 * when it is not set and has no default, or several names of another case differ in value. */
bool variable_find(struct str text, char *const environment[], struct str *ret_value,
                   struct error *err);
