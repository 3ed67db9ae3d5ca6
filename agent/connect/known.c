#include "connect/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool known_init(struct known *known, size_t count, struct error *err)
{
    struct known_reference *references = calloc(count + 1, sizeof(*references));
    if (!references) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *known = (struct known){.references = references, .count = count};
    return true;
}

void known_forget(struct known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        free(known->references[i].error);
        known->references[i] = (struct known_reference){0};
    }
    while (known->vaults) {
        struct known_vault *next = known->vaults->next;
        free(known->vaults);
        known->vaults = next;
    }
}

void known_done(struct known *known)
{
    known_forget(known);
    free(known->references);
    *known = (struct known){0};
}

static void set_id(char id[KNOWN_ID_SIZE], const char *text)
{
    snprintf(id, KNOWN_ID_SIZE, "%s", text);
}

void known_set_value(struct known *known, size_t index, const char *vault, const char *item,
                     uint64_t item_version)
{
    struct known_reference *reference = &known->references[index];
    free(reference->error);
    *reference = (struct known_reference){.state = KNOWN_VALUE, .item_version = item_version};
    set_id(reference->vault, vault);
    set_id(reference->item, item);
}

bool known_set_error(struct known *known, size_t index, const char *vault, const char *item,
                     uint64_t item_version, const struct error *error)
{
    struct known_reference *reference = &known->references[index];
    struct error *copy = malloc(sizeof(*copy));
    if (!copy) {
        return false;
    }
    *copy = *error;
    free(reference->error);
    *reference =
        (struct known_reference){.state = KNOWN_ERROR, .error = copy, .item_version = item_version};
    set_id(reference->vault, vault);
    set_id(reference->item, item);
    return true;
}

static struct known_vault *find_vault(const struct known *known, const char *id)
{
    struct known_vault *vault = known->vaults;
    while (vault && strcmp(vault->id, id) != 0) {
        vault = vault->next;
    }
    return vault;
}

bool known_set_vault(struct known *known, const char *id, uint64_t content_version)
{
    struct known_vault *vault = find_vault(known, id);
    if (!vault) {
        vault = calloc(1, sizeof(*vault));
        if (!vault) {
            return false;
        }
        set_id(vault->id, id);
        vault->next = known->vaults;
        known->vaults = vault;
    }
    vault->content_version = content_version;
    return true;
}

uint64_t known_vault_version(const struct known *known, const char *id)
{
    const struct known_vault *vault = find_vault(known, id);
    return vault ? vault->content_version : 0;
}

bool known_has_vaults(const struct known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        if (known->references[i].vault[0] == '\0') {
            return false;
        }
    }
    return true;
}
