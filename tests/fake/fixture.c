#include "fixture.h"

#include "base.h"
#include "fixture_item.h"
#include "reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_vault(struct reader *reader, yaml_node_t *node, struct world *world)
{
    reader_keys(reader, node, "id name description attributeVersion contentVersion items");
    const char *name = reader_text(reader, node, "name");
    if (name == NULL) {
        reader_fail(reader, node, "a vault needs a name");
        return;
    }
    size_t occurrence = 0;
    for (size_t i = 0; i < world->n_vaults; i++) {
        occurrence += strcmp(world->vaults[i]->name, name) == 0;
    }
    char id[ID_SIZE] = "";
    fixture_id(reader, node, "vaults", name, occurrence, id);
    if (world_vault(world, id) != NULL) {
        reader_fail(reader, node, "vault ID \"%s\" a second time", id);
        return;
    }
    struct vault *vault = world_add_vault(world, id, name);
    const char *description = reader_text(reader, node, "description");
    if (description != NULL) {
        free(vault->description);
        vault->description = mem_text(description);
    }
    vault->attribute_version = reader_number(reader, node, "attributeVersion", 1);
    vault->content_version = reader_number(reader, node, "contentVersion", 1);
    yaml_node_t *items = reader_get(reader, node, "items");
    for (size_t i = 0; i < reader_count(reader, items); i++) {
        fixture_add_item(reader, reader_at(reader, items, i), vault);
    }
}

static int64_t unit_seconds(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

/* "30d" or "-1h" is a time from issue to expiry, a bare number is in UNIX seconds. */
static void set_expiry(struct reader *reader, yaml_node_t *node, struct token *token)
{
    const char *text = reader_text(reader, node, "expires");
    if (text == NULL) {
        return;
    }
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    int64_t unit = *end != '\0' && end[1] == '\0' ? unit_seconds(*end) : 0;
    if (end == text || errno != 0 || (*end != '\0' && unit == 0) || llabs(number) > 1LL << 40) {
        reader_fail(reader, reader_get(reader, node, "expires"),
                    "\"%s\" is neither a duration such as 90s, 5m, -1h, 30d nor UNIX seconds",
                    text);
    } else if (unit != 0) {
        token->has_lifetime = true;
        token->lifetime = number * unit;
    } else {
        token->expires = number;
    }
}

static void set_grants(struct reader *reader, yaml_node_t *node, struct world *world,
                       struct token *token)
{
    yaml_node_t *vaults = reader_get(reader, node, "vaults");
    if (vaults == NULL || vaults->type == YAML_SCALAR_NODE) {
        const char *text = reader_scalar(reader, vaults);
        token->all_vaults = true;
        if (vaults != NULL && (text == NULL || strcmp(text, "all") != 0)) {
            reader_fail(reader, vaults, "expected a list of vaults, or all");
        }
        return;
    }
    for (size_t i = 0; i < reader_count(reader, vaults); i++) {
        const char *name = reader_scalar(reader, reader_at(reader, vaults, i));
        struct vault *vault = name != NULL ? world_vault_any(world, name) : NULL;
        if (vault == NULL) {
            reader_fail(reader, reader_at(reader, vaults, i), "there is no vault \"%s\"",
                        name != NULL ? name : "");
            return;
        }
        token_grant(token, vault->id);
    }
}

static void add_token(struct reader *reader, yaml_node_t *node, struct world *world,
                      struct tokens *tokens)
{
    reader_keys(reader, node, "name vaults expires");
    const char *name = reader_text(reader, node, "name");
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    if (name == NULL || name[0] == '\0' || name[0] == '.' || strlen(name) > 64 ||
        strspn(name, allowed) != strlen(name)) {
        reader_fail(reader, node, "a token needs a name that can be a file's: A-Z a-z 0-9 - _ .");
        return;
    }
    if (tokens_find(tokens, name) != NULL) {
        reader_fail(reader, node, "token \"%s\" a second time", name);
        return;
    }
    struct token token = {.name = mem_text(name)};
    set_grants(reader, node, world, &token);
    set_expiry(reader, node, &token);
    tokens_add(tokens, token);
}

static void read_root(struct reader *reader, struct world *world, struct tokens *tokens)
{
    yaml_node_t *root = reader_root(reader);
    reader_keys(reader, root, "tokens vaults");
    yaml_node_t *list = reader_get(reader, root, "vaults");
    for (size_t i = 0; i < reader_count(reader, list); i++) {
        add_vault(reader, reader_at(reader, list, i), world);
    }
    list = reader_get(reader, root, "tokens");
    for (size_t i = 0; i < reader_count(reader, list); i++) {
        add_token(reader, reader_at(reader, list, i), world, tokens);
    }
}

int fixture_load(const char *path, struct world **ret_world, struct tokens **ret_tokens,
                 char error[FIXTURE_ERROR_SIZE])
{
    struct reader reader;
    struct world *world = world_new();
    struct tokens *tokens = mem_new(1, sizeof *tokens);
    reader_init(&reader, path);
    read_root(&reader, world, tokens);
    bool failed = reader.failed;
    if (failed) {
        snprintf(error, FIXTURE_ERROR_SIZE, "%s", reader.error);
        world_free(world);
        tokens_free(tokens);
    } else {
        *ret_world = world;
        *ret_tokens = tokens;
    }
    reader_done(&reader);
    return failed ? -1 : 0;
}
