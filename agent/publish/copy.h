/* A program into a directory, for others to run: written beside and renamed, so that nobody finds
 * half of it. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Copies the file `source` to directory/name with mode 0755; replaces what is there. ERROR_OUTPUT
 * names the path, what was found and what to do. */
bool copy_program(const char *source, const char *directory, const char *name, struct error *err);
