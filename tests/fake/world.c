#include "world.h"

#include "base.h"
#include "members.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LAST_EDITOR "FAKEEDITORFAKEEDITORFAKEED"
#define FIRST_DAY 1704067200 /* 2024-01-01T00:00:00Z: what the fixture holds was made then. */

struct world *world_new(void)
{
    return mem_new(1, sizeof(struct world));
}

static void item_free(struct item *item)
{
    for (size_t i = 0; i < item->n_files; i++) {
        free(item->files[i].id);
        free(item->files[i].name);
        free(item->files[i].data);
    }
    free(item->files);
    cJSON_Delete(item->doc);
    free(item);
}

static void vault_free(struct vault *vault)
{
    for (size_t i = 0; i < vault->n_items; i++) {
        item_free(vault->items[i]);
    }
    free(vault->items);
    free(vault->name);
    free(vault->description);
    free(vault);
}

void world_free(struct world *world)
{
    if (world == NULL) {
        return;
    }
    for (size_t i = 0; i < world->n_vaults; i++) {
        vault_free(world->vaults[i]);
    }
    free(world->vaults);
    free(world);
}

static void id_write(char id[ID_SIZE], const unsigned char *bytes)
{
    for (size_t i = 0; i < ID_SIZE - 1; i++) {
        id[i] = "abcdefghijklmnopqrstuvwxyz234567"[bytes[i] & 31];
    }
    id[ID_SIZE - 1] = '\0';
}

void id_make(char id[ID_SIZE], const char *path)
{
    unsigned char digest[32];
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, path, strlen(path), digest) != 0) {
        abort();
    }
    id_write(id, digest);
}

void id_make_random(char id[ID_SIZE])
{
    unsigned char bytes[ID_SIZE - 1];
    random_fill(bytes, sizeof bytes);
    id_write(id, bytes);
}

struct vault *world_add_vault(struct world *world, const char *id, const char *name)
{
    struct vault *vault = mem_new(1, sizeof *vault);
    memcpy(vault->id, id, ID_SIZE);
    vault->name = mem_text(name);
    vault->description = mem_text("");
    vault->attribute_version = 1;
    vault->content_version = 1;
    vault->updated = FIRST_DAY;
    world->vaults = mem_grow(world->vaults, world->n_vaults + 1, sizeof *world->vaults);
    world->vaults[world->n_vaults++] = vault;
    return vault;
}

static void set_default(cJSON *object, const char *name, cJSON *value)
{
    if (cJSON_HasObjectItem(object, name)) {
        cJSON_Delete(value);
    } else {
        cJSON_AddItemToObject(object, name, value);
    }
}

struct item *vault_add_item(struct vault *vault, const char *id, cJSON *doc)
{
    struct item *item = mem_new(1, sizeof *item);
    char date[RFC3339_SIZE];
    memcpy(item->id, id, ID_SIZE);
    item->doc = doc;
    members_set_text(doc, "id", id);
    cJSON *reference = cJSON_CreateObject();
    cJSON_AddStringToObject(reference, "id", vault->id);
    cJSON_AddStringToObject(reference, "name", vault->name);
    members_set(doc, "vault", reference);
    clock_rfc3339(FIRST_DAY, date);
    set_default(doc, "version", cJSON_CreateNumber(1));
    set_default(doc, "createdAt", cJSON_CreateString(date));
    set_default(doc, "updatedAt", cJSON_CreateString(date));
    set_default(doc, "lastEditedBy", cJSON_CreateString(LAST_EDITOR));
    vault->items = mem_grow(vault->items, vault->n_items + 1, sizeof(struct item *));
    vault->items[vault->n_items++] = item;
    return item;
}

struct file *item_add_file(struct vault *vault, struct item *item, struct file file)
{
    item->files = mem_grow(item->files, item->n_files + 1, sizeof file);
    item->files[item->n_files] = file;
    cJSON *entry = cJSON_CreateObject();
    char *path = mem_print("/v1/vaults/%s/items/%s/files/%s/content", vault->id, item->id, file.id);
    cJSON_AddStringToObject(entry, "id", file.id);
    cJSON_AddStringToObject(entry, "name", file.name);
    cJSON_AddNumberToObject(entry, "size", (double)file.size);
    cJSON_AddStringToObject(entry, "content_path", path);
    free(path);
    cJSON *files = cJSON_GetObjectItemCaseSensitive(item->doc, "files");
    if (files == NULL) {
        files = cJSON_AddArrayToObject(item->doc, "files");
    }
    cJSON_AddItemToArray(files, entry);
    return &item->files[item->n_files++];
}

struct vault *world_vault(struct world *world, const char *id)
{
    for (size_t i = 0; i < world->n_vaults; i++) {
        if (strcmp(world->vaults[i]->id, id) == 0) {
            return world->vaults[i];
        }
    }
    return NULL;
}

struct vault *world_vault_any(struct world *world, const char *name)
{
    struct vault *vault = world_vault(world, name);
    for (size_t i = 0; vault == NULL && i < world->n_vaults; i++) {
        if (strcmp(world->vaults[i]->name, name) == 0) {
            vault = world->vaults[i];
        }
    }
    return vault;
}

bool item_is_active(const struct item *item)
{
    const char *state = members_text(item->doc, "state");
    return state == NULL || strcmp(state, "DELETED") != 0;
}

struct item *vault_item(struct vault *vault, const char *id)
{
    for (size_t i = 0; i < vault->n_items; i++) {
        if (strcmp(vault->items[i]->id, id) == 0) {
            return vault->items[i];
        }
    }
    return NULL;
}

struct item *vault_item_any(struct vault *vault, const char *title)
{
    struct item *item = vault_item(vault, title);
    for (size_t i = 0; item == NULL && i < vault->n_items; i++) {
        const char *other = members_text(vault->items[i]->doc, "title");
        if (other != NULL && strcmp(other, title) == 0) {
            item = vault->items[i];
        }
    }
    return item;
}

struct file *item_file(struct item *item, const char *id)
{
    for (size_t i = 0; i < item->n_files; i++) {
        if (strcmp(item->files[i].id, id) == 0) {
            return &item->files[i];
        }
    }
    return NULL;
}

struct file *item_file_any(struct item *item, const char *name)
{
    struct file *file = item_file(item, name);
    for (size_t i = 0; file == NULL && i < item->n_files; i++) {
        if (strcmp(item->files[i].name, name) == 0) {
            file = &item->files[i];
        }
    }
    return file;
}

void vault_touch_item(struct vault *vault, struct item *item)
{
    char date[RFC3339_SIZE];
    int64_t now = (int64_t)time(NULL);
    int64_t version = members_number(item->doc, "version", INT32_MAX);
    members_set(item->doc, "version", cJSON_CreateNumber((double)(version < 0 ? 1 : version + 1)));
    members_set_text(item->doc, "updatedAt", clock_rfc3339(now, date));
    vault->content_version++;
    vault->updated = now;
}

void vault_update_item(struct vault *vault, struct item *item, cJSON *doc)
{
    static const char *const kept[] = {"id",        "vault", "version",      "state",
                                       "createdAt", "files", "lastEditedBy", NULL};
    for (size_t i = 0; kept[i] != NULL; i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(doc, kept[i]);
        cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(item->doc, kept[i]);
        if (value != NULL) {
            cJSON_AddItemToObject(doc, kept[i], value);
        }
    }
    cJSON_Delete(item->doc);
    item->doc = doc;
    vault_touch_item(vault, item);
}

void vault_remove_item(struct vault *vault, struct item *item)
{
    for (size_t i = 0; i < vault->n_items; i++) {
        if (vault->items[i] == item) {
            memmove(&vault->items[i], &vault->items[i + 1],
                    (vault->n_items - i - 1) * sizeof(struct item *));
            vault->n_items--;
            break;
        }
    }
    item_free(item);
    vault->content_version++;
    vault->updated = (int64_t)time(NULL);
}

void vault_set_file(struct vault *vault, struct item *item, struct file *file, unsigned char *data,
                    size_t size)
{
    free(file->data);
    file->data = data;
    file->size = size;
    cJSON *entry = NULL;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(item->doc, "files"))
    {
        const char *id = members_text(entry, "id");
        if (id != NULL && strcmp(id, file->id) == 0) {
            members_set(entry, "size", cJSON_CreateNumber((double)size));
        }
    }
    vault_touch_item(vault, item);
}
