/* The template as a JSON Schema (draft 2020-12), from the tables the reader checks by. What a
 * schema cannot say (texts with wrong references, colliding paths) only `check` sees. */
#pragma once

#include "base/json_text.h"

void schema_write(struct json_text *json);
