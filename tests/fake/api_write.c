#include "api.h"
#include "item.h"
#include "members.h"

#include <string.h>

#define VAULT_ITEMS_MAX 100000

/* Gives the document of the body, completed, or NULL with the answer given. The category may be
 * the old document's. */
static cJSON *read_document(const struct request *request, const cJSON *old, struct reply *reply)
{
    char error[ITEM_ERROR_SIZE];
    cJSON *body = request_json(request);
    if (!cJSON_IsObject(body)) {
        cJSON_Delete(body);
        reply_error(reply, 400, "Invalid request body");
        return NULL;
    }
    cJSON *doc = item_writable(body);
    cJSON_Delete(body);
    if (item_accept(doc, old, error) < 0) {
        cJSON_Delete(doc);
        reply_error(reply, 400, "%s", error);
        return NULL;
    }
    return doc;
}

/* Whether the body says no other vault than the path. */
static bool is_in_vault(const struct request *request, const struct vault *vault)
{
    cJSON *body = request_json(request);
    const char *id = members_text(cJSON_GetObjectItemCaseSensitive(body, "vault"), "id");
    bool right = id != NULL && strcmp(id, vault->id) == 0;
    cJSON_Delete(body);
    return right;
}

void api_create_item(struct request *request, struct vault *vault, struct reply *reply)
{
    if (vault->n_items >= VAULT_ITEMS_MAX) {
        reply_error(reply, 400, "Too many items");
        return;
    }
    cJSON *doc = read_document(request, NULL, reply);
    if (doc == NULL) {
        return;
    }
    if (!is_in_vault(request, vault)) {
        cJSON_Delete(doc);
        reply_error(reply, 400, "The item's vault is not the vault of the path");
        return;
    }
    char id[ID_SIZE];
    id_make_random(id);
    struct item *item = vault_add_item(vault, id, doc);
    members_set(doc, "version", cJSON_CreateNumber(0));
    vault_touch_item(vault, item);
    members_set_text(doc, "createdAt", members_text(doc, "updatedAt"));
    memcpy(request->entry.item, id, ID_SIZE);
    request->entry.item_version = 1;
    reply_json(reply, 200, item_render_full(item, request->fake->options->spec_types));
}

void api_replace_item(struct request *request, struct vault *vault, struct item *item,
                      struct reply *reply)
{
    cJSON *doc = read_document(request, item->doc, reply);
    if (doc == NULL) {
        return;
    }
    if (!is_in_vault(request, vault)) {
        cJSON_Delete(doc);
        reply_error(reply, 400, "The item's vault is not the vault of the path");
        return;
    }
    vault_update_item(vault, item, doc);
    reply_json(reply, 200, item_render_full(item, request->fake->options->spec_types));
}

void api_patch_item(struct request *request, struct vault *vault, struct item *item,
                    struct reply *reply)
{
    char error[ITEM_ERROR_SIZE] = "";
    bool spec_types = request->fake->options->spec_types;
    cJSON *patch = request_json(request);
    cJSON *doc = cJSON_Duplicate(item->doc, true);
    bool nothing = cJSON_IsArray(patch) && cJSON_GetArraySize(patch) == 0;
    bool right = item_patch(&doc, patch, error) == 0 && item_accept(doc, item->doc, error) == 0;
    cJSON_Delete(patch);
    if (right && !nothing) {
        vault_update_item(vault, item, doc);
    } else {
        cJSON_Delete(doc);
    }
    if (right) {
        reply_json(reply, 200, item_render_full(item, spec_types));
    } else {
        reply_error(reply, 400, "%s", error);
    }
}

void api_delete_item(struct vault *vault, struct item *item, struct reply *reply)
{
    vault_remove_item(vault, item);
    reply_bytes(reply, 204, NULL, "", 0);
}
