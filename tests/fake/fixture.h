#pragma once
/* The fixture file: what it says becomes a world and its tokens. The format is in README.md. */

#include "token.h"
#include "world.h"

#define FIXTURE_ERROR_SIZE 512

/* Gives the vaults and the tokens (none issued yet) of the file. On a mistake returns -1 and
 * writes "file:line:column: what". */
int fixture_load(const char *path, struct world **ret_world, struct tokens **ret_tokens,
                 char error[FIXTURE_ERROR_SIZE]);
