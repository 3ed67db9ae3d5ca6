/* What the filters of {{ op://… | filter }} make of bytes. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"
#include "model/filter.h"

/* Appends `bytes`, passed through the filters in order, to `into`. ERROR_CONTENT names the filter
 * and what it cannot take, never the bytes. Nothing was appended then. */
bool filter_apply(struct str bytes, const struct filter_use filters[], size_t count,
                  struct secret *into, struct error *err);
