/* Values into the bytes of files: one file of the template at a time. Pure: no I/O. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "model/template.h"
#include "model/value.h"

/* Renders `file` from the values of `references`. A reference that leads nowhere is covered by
 * `optional` or `default`; any other error of a value is the file's. When the whole file is left
 * out, *ret_left_out is true and *ret_bytes untouched. At most LIMIT_OUTPUT_FILE bytes. On failure
 * *ret_place is the entry of the template to look at. */
bool render_file(const struct file *file, const struct references *references,
                 const struct values *values, struct secret **ret_bytes, bool *ret_left_out,
                 struct place *ret_place, struct error *err);
