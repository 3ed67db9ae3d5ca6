/* What the last resolution learnt of each reference and vault, without any value: enough to tell
 * what has not changed. Vault by contentVersion, then item by version (connect-api.md). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum { KNOWN_ID_SIZE = 80 };

enum known_state {
    KNOWN_NOTHING, /* never resolved */
    KNOWN_VALUE,   /* it has a value, of this version of the item */
    KNOWN_ERROR,   /* it led nowhere, or to several places */
};

struct known_reference {
    enum known_state state;
    char vault[KNOWN_ID_SIZE]; /* "" when it was not found */
    char item[KNOWN_ID_SIZE];  /* likewise; that its value, or the lack of one, was read from */
    uint64_t item_version;     /* 0: not told */
    struct error *error;       /* owned; of KNOWN_ERROR */
};

struct known_vault {
    struct known_vault *next;
    char id[KNOWN_ID_SIZE];
    uint64_t content_version; /* 0: not told, so always taken as changed */
};

struct known {
    struct known_reference *references; /* owned; one for each reference of the template */
    size_t count;
    struct known_vault *vaults; /* owned */
};

bool known_init(struct known *known, size_t count, struct error *err);
void known_done(struct known *known);
/* Nothing is known any more. */
void known_forget(struct known *known);

void known_set_value(struct known *known, size_t index, const char *vault, const char *item,
                     uint64_t item_version);
/* Of a reference whose vault, and item, may be known ("" otherwise). */
bool known_set_error(struct known *known, size_t index, const char *vault, const char *item,
                     uint64_t item_version, const struct error *error);
bool known_set_vault(struct known *known, const char *id, uint64_t content_version);
/* 0 when it is not known. */
uint64_t known_vault_version(const struct known *known, const char *id);
/* Does every reference have a vault? Then the list of vaults need not be asked for. */
bool known_has_vaults(const struct known *known);
