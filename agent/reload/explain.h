/* Why a program cannot be started, in words that say what to do. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Fills err with ERROR_HOOK and `number`, what exec(2) said of `program`: also which loader or
 * interpreter is missing, and which machine the program is for, as far as its first bytes can be
 * read. A name without a slash is not looked for. Returns false. */
bool explain_start(const char *program, int number, struct error *err);
