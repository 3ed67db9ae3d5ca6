/* The dialects of env files, by the program that reads them (docs/template.md). */
#pragma once

#include <stdbool.h>

#include "base/str.h"

enum dialect {
    DIALECT_SH,
    DIALECT_COMPOSE,
    DIALECT_DOCKER,
    DIALECT_SYSTEMD,
    DIALECT_KUBERNETES,
    DIALECT_PORTABLE,
    DIALECTS,
};

/* As templates write it. */
const char *dialect_name(enum dialect dialect);
bool dialect_find(struct str name, enum dialect *ret_dialect);
