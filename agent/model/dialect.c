#include "model/dialect.h"

static const char *const dialects[DIALECTS] = {
    [DIALECT_SH] = "sh",
    [DIALECT_COMPOSE] = "compose",
    [DIALECT_DOCKER] = "docker",
    [DIALECT_SYSTEMD] = "systemd",
    [DIALECT_KUBERNETES] = "kubernetes",
    [DIALECT_PORTABLE] = "portable",
};

const char *dialect_name(enum dialect dialect)
{
    return dialects[dialect];
}

bool dialect_find(struct str name, enum dialect *ret_dialect)
{
    for (int i = 0; i < DIALECTS; i++) {
        if (str_is(name, dialects[i])) {
            *ret_dialect = (enum dialect)i;
            return true;
        }
    }
    return false;
}
