#include "api.h"

#include "item.h"
#include "members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INLINE_FILE_MAX ((size_t)100 * 1024) /* OP_MAX_INLINE_FILE_SIZE_KB */
#define ACTIVITY_LIMIT_MAX 1000

/* Parts of a path: v1 vaults {v} items {i} files {f} content. */
enum { PART_VAULTS = 1, PART_VAULT, PART_ITEMS, PART_ITEM, PART_FILES, PART_FILE, PART_CONTENT };

static enum endpoint classify(const struct request *request)
{
    size_t n = request->n_parts;
    if (n == 1 &&
        (request_part_is(request, 0, "heartbeat") || request_part_is(request, 0, "health") ||
         request_part_is(request, 0, "metrics"))) {
        return ENDPOINT_HEALTH;
    }
    if (!request_part_is(request, 0, "v1") || !request_part_is(request, PART_VAULTS, "vaults") ||
        (n > PART_ITEMS && !request_part_is(request, PART_ITEMS, "items")) ||
        (n > PART_FILES && !request_part_is(request, PART_FILES, "files")) ||
        (n > PART_CONTENT && !request_part_is(request, PART_CONTENT, "content"))) {
        return ENDPOINT_OTHER;
    }
    static const enum endpoint by_parts[] = {
        ENDPOINT_OTHER, ENDPOINT_OTHER, ENDPOINT_VAULTS, ENDPOINT_VAULT, ENDPOINT_ITEMS,
        ENDPOINT_ITEM,  ENDPOINT_FILES, ENDPOINT_FILE,   ENDPOINT_FILE,
    };
    return n < sizeof by_parts / sizeof *by_parts ? by_parts[n] : ENDPOINT_OTHER;
}

void api_classify(struct request *request)
{
    struct log_entry *entry = &request->entry;
    entry->endpoint = classify(request);
    if (entry->endpoint == ENDPOINT_OTHER || request->n_parts <= PART_VAULT) {
        return;
    }
    if (text_is_id(request->parts[PART_VAULT])) {
        memcpy(entry->vault, request->parts[PART_VAULT], ID_SIZE);
    }
    if (request->n_parts > PART_ITEM && text_is_id(request->parts[PART_ITEM])) {
        memcpy(entry->item, request->parts[PART_ITEM], ID_SIZE);
    }
}

void api_authenticate(struct request *request)
{
    const struct token *token = NULL;
    const char *header =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Authorization");
    const struct credential *credential = tokens_check(request->fake->tokens, header, &token);
    request->is_authorized = credential != NULL;
    if (token != NULL) {
        snprintf(request->entry.token, sizeof request->entry.token, "%s", token->name);
    }
    if (credential != NULL) {
        snprintf(request->entry.jti, sizeof request->entry.jti, "%s", credential->jti);
    }
}

static bool may_read(const struct request *request, const char *vault_id)
{
    const struct token *token = tokens_find(request->fake->tokens, request->entry.token);
    return token != NULL && token_may_read(token, vault_id);
}

/* `attribute eq "text"`, or co for "contains"; the clients escape nothing. */
struct filter {
    bool is_given;
    bool is_tag;
    bool contains;
    char *text; /* owned; NULL where the filter is wrong */
};

/* Names are the attributes that can be filtered by, the one for tags last. */
static struct filter read_filter(const struct request *request, const char *first,
                                 const char *second)
{
    const char *const names[] = {first, second};
    const char *argument = request_argument(request, "filter");
    struct filter filter = {.is_given = argument != NULL};
    for (size_t i = 0; argument != NULL && i < 2; i++) {
        size_t n = strlen(names[i]);
        const char *rest = argument + n;
        if (strncmp(argument, names[i], n) != 0 ||
            (strncmp(rest, " eq \"", 5) != 0 && strncmp(rest, " co \"", 5) != 0)) {
            continue;
        }
        const char *end = strrchr(rest + 5, '"');
        if (end != NULL && end[1] == '\0') {
            filter.is_tag = strcmp(names[i], "tag") == 0;
            filter.contains = rest[1] == 'c';
            filter.text = mem_text_n(rest + 5, (size_t)(end - rest - 5));
        }
    }
    return filter;
}

static bool filter_takes(const struct filter *filter, const char *text)
{
    if (text == NULL) {
        return false;
    }
    return filter->contains ? strstr(text, filter->text) != NULL : strcmp(text, filter->text) == 0;
}

static bool filter_takes_item(const struct filter *filter, const cJSON *doc)
{
    const cJSON *tag = NULL;
    if (!filter->is_given) {
        return true;
    }
    if (!filter->is_tag) {
        return filter_takes(filter, members_text(doc, "title"));
    }
    cJSON_ArrayForEach(tag, cJSON_GetObjectItemCaseSensitive(doc, "tags"))
    {
        if (filter_takes(filter, cJSON_GetStringValue(tag))) {
            return true;
        }
    }
    return false;
}

static cJSON *vault_json(const struct vault *vault, bool terse)
{
    char date[RFC3339_SIZE];
    size_t active = 0;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "id", vault->id);
    cJSON_AddStringToObject(object, "name", vault->name);
    if (terse) {
        return object;
    }
    for (size_t i = 0; i < vault->n_items; i++) {
        active += item_is_active(vault->items[i]);
    }
    cJSON_AddStringToObject(object, "description", vault->description);
    cJSON_AddNumberToObject(object, "attributeVersion", (double)vault->attribute_version);
    cJSON_AddNumberToObject(object, "contentVersion", (double)vault->content_version);
    cJSON_AddNumberToObject(object, "items", (double)active);
    cJSON_AddStringToObject(object, "type", "USER_CREATED");
    cJSON_AddStringToObject(object, "createdAt", "2024-01-01T00:00:00Z");
    cJSON_AddStringToObject(object, "updatedAt", clock_rfc3339(vault->updated, date));
    return object;
}

static void answer_vaults(const struct request *request, struct reply *reply)
{
    struct filter filter = read_filter(request, "name", "title");
    if (filter.is_given && filter.text == NULL) {
        reply_error(reply, 400, "Invalid filter");
        return;
    }
    cJSON *array = cJSON_CreateArray();
    const struct world *world = request->fake->world;
    for (size_t i = 0; i < world->n_vaults; i++) {
        const struct vault *vault = world->vaults[i];
        if (may_read(request, vault->id) &&
            (!filter.is_given || filter_takes(&filter, vault->name))) {
            bool terse = request->fake->options->terse_vaults;
            cJSON_AddItemToArray(array, vault_json(vault, terse));
        }
    }
    free(filter.text);
    reply_json(reply, 200, array);
}

static void answer_items(const struct request *request, const struct vault *vault,
                         struct reply *reply)
{
    struct filter filter = read_filter(request, "title", "tag");
    if (filter.is_given && filter.text == NULL) {
        reply_error(reply, 400, "Invalid filter");
        return;
    }
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < vault->n_items; i++) {
        const struct item *item = vault->items[i];
        if (item_is_active(item) && filter_takes_item(&filter, item->doc)) {
            cJSON_AddItemToArray(array, item_render_summary(item));
        }
    }
    free(filter.text);
    reply_json(reply, 200, array);
}

/* Whether the file may be shown so; otherwise the answer is given. */
static bool may_inline(bool inline_content, const struct file *file, struct reply *reply)
{
    if (inline_content && file->size > INLINE_FILE_MAX) {
        reply_error(reply, 413,
                    "File is too large to inline in request. Use the "
                    "/v1/vaults/{vaultUUID}/items/{itemUUID}/files/{fileUUID}/content endpoint "
                    "instead.");
        return false;
    }
    return true;
}

static void answer_files(const struct request *request, struct item *item, struct reply *reply)
{
    bool inline_content = request_argument_true(request, "inline_files");
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < item->n_files; i++) {
        if (!may_inline(inline_content, &item->files[i], reply)) {
            cJSON_Delete(array);
            return;
        }
        cJSON *file = item_render_file(item, &item->files[i], inline_content);
        if (file != NULL) {
            cJSON_AddItemToArray(array, file);
        }
    }
    reply_json(reply, 200, array);
}

static void answer_content(const struct file *file, struct reply *reply)
{
    char *header = mem_print("attachment; filename=\"%s\"", file->name);
    for (char *c = strchr(header, '"') + 1; c[0] != '\0' && c[1] != '\0'; c++) {
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ') {
            *c = '_';
        }
    }
    reply_bytes(reply, 200, "application/octet-stream", file->data, file->size);
    reply_header(reply, "Content-Disposition", header);
    free(header);
}

static void answer_file(const struct request *request, struct item *item, struct reply *reply)
{
    struct file *file = item_file(item, request->parts[PART_FILE]);
    if (file == NULL) {
        reply_error(reply, 404, "file %.64s not found", request->parts[PART_FILE]);
    } else if (request->n_parts > PART_CONTENT) {
        answer_content(file, reply);
    } else {
        bool inline_content = request_argument_true(request, "inline_files");
        if (may_inline(inline_content, file, reply)) {
            cJSON *json = item_render_file(item, file, inline_content);
            reply_json(reply, 200, json != NULL ? json : cJSON_CreateObject());
        }
    }
}

static void answer_method(struct reply *reply, const char *allowed)
{
    reply_error(reply, 405, "Method not allowed");
    reply_header(reply, "Allow", allowed);
}

static void answer_item(struct request *request, struct vault *vault, struct item *item,
                        struct reply *reply)
{
    bool is_get = strcmp(request->method, "GET") == 0;
    if (request->entry.endpoint != ENDPOINT_ITEM && !is_get) {
        answer_method(reply, "GET");
    } else if (request->entry.endpoint == ENDPOINT_FILES) {
        answer_files(request, item, reply);
    } else if (request->entry.endpoint == ENDPOINT_FILE) {
        answer_file(request, item, reply);
    } else if (is_get) {
        reply_json(reply, 200, item_render_full(item, request->fake->options->spec_types));
    } else if (strcmp(request->method, "PUT") == 0) {
        api_replace_item(request, vault, item, reply);
    } else if (strcmp(request->method, "PATCH") == 0) {
        api_patch_item(request, vault, item, reply);
    } else if (strcmp(request->method, "DELETE") == 0) {
        api_delete_item(vault, item, reply);
    } else {
        answer_method(reply, "GET, PUT, PATCH, DELETE");
    }
}

static void answer_below_vault(struct request *request, struct vault *vault, struct reply *reply)
{
    bool is_get = strcmp(request->method, "GET") == 0;
    if (request->entry.endpoint == ENDPOINT_VAULT) {
        is_get ? reply_json(reply, 200, vault_json(vault, false)) : answer_method(reply, "GET");
    } else if (request->entry.endpoint == ENDPOINT_ITEMS && is_get) {
        answer_items(request, vault, reply);
    } else if (request->entry.endpoint == ENDPOINT_ITEMS && strcmp(request->method, "POST") == 0) {
        api_create_item(request, vault, reply);
    } else if (request->entry.endpoint == ENDPOINT_ITEMS) {
        answer_method(reply, "GET, POST");
    } else if (!text_is_id(request->parts[PART_ITEM])) {
        reply_error(reply, 400, "Invalid Item UUID");
    } else {
        struct item *item = vault_item(vault, request->parts[PART_ITEM]);
        if (item == NULL || !item_is_active(item)) {
            reply_error(reply, 404, "item %s not found", request->parts[PART_ITEM]);
            return;
        }
        request->entry.item_version = members_number(item->doc, "version", INT32_MAX);
        answer_item(request, vault, item, reply);
    }
}

static void answer_vault(struct request *request, struct reply *reply)
{
    const char *id = request->parts[PART_VAULT];
    if (!text_is_id(id)) {
        reply_error(reply, 400, "Invalid Vault UUID");
        return;
    }
    struct vault *vault = world_vault(request->fake->world, id);
    if (vault == NULL) {
        reply_error(reply, 404, "vault %s not found", id);
    } else if (!may_read(request, id)) {
        reply_error(reply, 403, "Authorization: token does not have access to vault %s", id);
    } else {
        answer_below_vault(request, vault, reply);
    }
}

static cJSON *dependency(const char *service, const char *status, const char *message)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "service", service);
    cJSON_AddStringToObject(object, "status", status);
    if (message != NULL) {
        cJSON_AddStringToObject(object, "message", message);
    }
    return object;
}

static void answer_health(const struct request *request, struct reply *reply)
{
    if (request_part_is(request, 0, "heartbeat")) {
        reply_bytes(reply, 200, "text/plain; charset=utf-8", ".", 1);
        return;
    }
    if (request_part_is(request, 0, "metrics")) {
        char *text = mem_print("# HELP fake_connect_requests_total Requests of the API so far.\n"
                               "# TYPE fake_connect_requests_total counter\n"
                               "fake_connect_requests_total %lld\n",
                               (long long)log_counter(request->fake->log, "total"));
        reply_bytes(reply, 200, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
        free(text);
        return;
    }
    const char *version = request->fake->options->version;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", "1Password Connect API");
    cJSON_AddStringToObject(object, "version", version);
    cJSON *list = cJSON_AddArrayToObject(object, "dependencies");
    cJSON_AddItemToArray(list, dependency("sync", "ACTIVE", NULL));
    cJSON_AddItemToArray(list, dependency("sqlite", "ACTIVE", "Connected to fake-connect"));
    reply_json(reply, 200, object);
}

static void answer_activity(const struct request *request, struct reply *reply)
{
    size_t limit = (size_t)request_argument_number(request, "limit", 50, ACTIVITY_LIMIT_MAX);
    size_t offset = (size_t)request_argument_number(request, "offset", 0, LOG_RING_SIZE);
    size_t total = 0;
    cJSON *array = log_activity(request->fake->log, offset, limit, &total);
    int n = cJSON_GetArraySize(array);
    char *range = mem_print("%zu-%zu/%zu", offset + 1, offset + (size_t)n, total);
    reply_json(reply, 200, array);
    reply_header(reply, "Content-Range", range);
    free(range);
}

void api_answer(struct request *request, struct reply *reply)
{
    bool is_get = strcmp(request->method, "GET") == 0;
    enum endpoint endpoint = request->entry.endpoint;
    bool is_activity = request->n_parts == 2 && request_part_is(request, 0, "v1") &&
                       request_part_is(request, 1, "activity");
    if (request->too_large) {
        reply_error(reply, 413, "Request body too large");
    } else if (endpoint == ENDPOINT_HEALTH && is_get) {
        answer_health(request, reply);
    } else if (endpoint == ENDPOINT_OTHER && !is_activity) {
        reply_error(reply, 404, "Not found");
    } else if (endpoint != ENDPOINT_HEALTH && !request->is_authorized) {
        reply_error(reply, 401, "Invalid token signature");
    } else if (endpoint >= ENDPOINT_VAULT && endpoint <= ENDPOINT_FILE) {
        answer_vault(request, reply);
    } else if (!is_get) {
        answer_method(reply, "GET");
    } else if (is_activity) {
        answer_activity(request, reply);
    } else {
        answer_vaults(request, reply);
    }
}

void api_answer_not_synced(const struct request *request, struct reply *reply)
{
    switch (request->entry.endpoint) {
    case ENDPOINT_VAULTS:
    case ENDPOINT_ITEMS:
    case ENDPOINT_FILES:
        reply_json(reply, 200, cJSON_CreateArray());
        break;
    case ENDPOINT_VAULT:
        reply_error(reply, 404, "vault %.64s not found", request->parts[PART_VAULT]);
        break;
    case ENDPOINT_ITEM:
        reply_error(reply, 404, "item %.64s not found", request->parts[PART_ITEM]);
        break;
    case ENDPOINT_FILE:
        reply_error(reply, 404, "file %.64s not found", request->parts[PART_FILE]);
        break;
    default:
        reply_error(reply, 404, "Not found");
        break;
    }
}
