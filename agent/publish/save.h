/* One file at a path that a person names, as `read -o` and `inject -o` write it: complete, with its
 * mode, or not there. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/* A file that is there is replaced only with `replace`, and only a regular one. ERROR_OUTPUT names
 * the path, what was found and what to do. */
bool save_file(const char *path, mode_t mode, bool replace, struct str bytes, struct error *err);
