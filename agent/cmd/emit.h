/* The end of `read` and `inject`: one text resolved and rendered, to standard output or a file. */
#pragma once

#include "cmd/options.h"
#include "config/adhoc.h"

/* Gives the exit status. `newline`: one more at the end, on standard output alone. */
int emit(const char *command, const struct options *options, const struct adhoc *adhoc,
         bool newline);
