#include "control.h"

#include "fixture.h"
#include "members.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MAX_MS 600000

/* Parts of a path: _fake vaults {v} items {i} fields|files {f}; _fake tokens {name} {verb}. */
enum { PART_KIND = 1, PART_NAME, PART_VERB, PART_ITEM, PART_MEMBER, PART_MEMBER_NAME };

static bool is_call(const struct request *request, const char *method, size_t n)
{
    return request->n_parts == n && strcmp(request->method, method) == 0;
}

static void answer_done(struct reply *reply)
{
    reply_bytes(reply, 204, NULL, "", 0);
}

/* Waits until the counter has reached the count; 408 after the time. */
static void answer_wait(struct request *request, const char *name, struct reply *reply)
{
    struct fake *fake = request->fake;
    int64_t count = request_argument_number(request, "count", 1, INT32_MAX);
    int64_t ms = request_argument_number(request, "timeout_ms", 10000, WAIT_MAX_MS);
    int64_t until = clock_monotonic_ms() + ms;
    struct timespec deadline = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    if (log_counter(fake->log, name) < 0) {
        reply_error(reply, 400, "Unknown counter");
        return;
    }
    int result = 0;
    while (!fake->stopping && result == 0 && log_counter(fake->log, name) < count) {
        result = pthread_cond_timedwait(&fake->changed, &fake->lock, &deadline);
    }
    if (log_counter(fake->log, name) < count) {
        reply_error(reply, 408, "%.32s is %lld, not %lld, after %lld ms", name,
                    (long long)log_counter(fake->log, name), (long long)count, (long long)ms);
    } else {
        reply_json(reply, 200, log_counters(fake->log));
    }
}

static void control_counters(struct request *request, struct reply *reply)
{
    const char *name = request_argument(request, "wait");
    if (!is_call(request, "GET", 2)) {
        reply_error(reply, 405, "Method not allowed");
    } else if (name != NULL) {
        answer_wait(request, name, reply);
    } else {
        reply_json(reply, 200, log_counters(request->fake->log));
    }
}

static void control_requests(struct request *request, struct reply *reply)
{
    if (is_call(request, "GET", 2)) {
        reply_json(reply, 200, log_requests(request->fake->log));
    } else if (is_call(request, "DELETE", 2)) {
        log_reset(request->fake->log);
        answer_done(reply);
    } else {
        reply_error(reply, 405, "Method not allowed");
    }
}

static void add_fault(struct request *request, struct reply *reply)
{
    char error[256] = "Invalid JSON";
    cJSON *rule = request_json(request);
    unsigned id = rule != NULL ? faults_add(request->fake->faults, rule, error) : 0;
    cJSON_Delete(rule);
    if (id == 0) {
        reply_error(reply, 400, "%s", error);
        return;
    }
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "id", id);
    reply_json(reply, 200, object);
}

static void control_faults(struct request *request, struct reply *reply)
{
    struct faults *faults = request->fake->faults;
    if (is_call(request, "POST", 2)) {
        add_fault(request, reply);
    } else if (is_call(request, "GET", 2)) {
        reply_json(reply, 200, faults_list(faults));
    } else if (is_call(request, "DELETE", 2)) {
        faults_clear(faults);
        answer_done(reply);
    } else if (is_call(request, "DELETE", 3)) {
        unsigned long id = strtoul(request->parts[PART_NAME], NULL, 10);
        if (id <= UINT32_MAX && faults_remove(faults, (unsigned)id)) {
            answer_done(reply);
        } else {
            reply_error(reply, 404, "There is no such fault");
        }
    } else {
        reply_error(reply, 405, "Method not allowed");
    }
}

static void rotate_token(struct request *request, struct token *token, struct reply *reply)
{
    cJSON *body = request_json(request);
    if (members_true(body, "revoke_old")) {
        token_revoke(token);
    }
    cJSON_Delete(body);
    struct fake *fake = request->fake;
    if (token_issue(token, fake->world, fake->options->token_directory) < 0) {
        reply_error(reply, 500, "The token cannot be written: %s", strerror(errno));
    } else {
        answer_done(reply);
    }
}

static void set_grants(struct request *request, struct token *token, struct reply *reply)
{
    cJSON *list = request_json(request);
    const cJSON *element = NULL;
    struct token granted = {0};
    bool right = cJSON_IsArray(list);
    cJSON_ArrayForEach(element, list)
    {
        const char *name = cJSON_GetStringValue(element);
        struct vault *vault = name != NULL ? world_vault_any(request->fake->world, name) : NULL;
        right = right && vault != NULL;
        if (vault != NULL) {
            token_grant(&granted, vault->id);
        }
    }
    cJSON_Delete(list);
    if (!right) {
        free(granted.grants);
        reply_error(reply, 400, "An array of vaults that are there is wanted");
        return;
    }
    free(token->grants);
    token->grants = granted.grants;
    token->n_grants = granted.n_grants;
    token->all_vaults = false;
    answer_done(reply);
}

static void control_tokens(struct request *request, struct reply *reply)
{
    const char *verb = request->n_parts == 4 ? request->parts[PART_VERB] : "";
    bool is_post = strcmp(request->method, "POST") == 0;
    struct token *token = NULL;
    if (request->n_parts == 4) {
        token = tokens_find(request->fake->tokens, request->parts[PART_NAME]);
    }
    if (token == NULL) {
        reply_error(reply, 404, "There is no such token");
    } else if (strcmp(verb, "vaults") == 0 && strcmp(request->method, "PUT") == 0) {
        set_grants(request, token, reply);
    } else if (strcmp(verb, "rotate") == 0 && is_post) {
        rotate_token(request, token, reply);
    } else if (strcmp(verb, "revoke") == 0 && is_post) {
        token_revoke(token);
        answer_done(reply);
    } else if (strcmp(verb, "restore") == 0 && is_post) {
        token_restore(token);
        answer_done(reply);
    } else if (strcmp(verb, "expire") == 0 && is_post) {
        token_expire(token);
        answer_done(reply);
    } else {
        reply_error(reply, 404, "Not found");
    }
}

static void answer_versions(const struct vault *vault, const struct item *item, struct reply *reply)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "contentVersion", (double)vault->content_version);
    cJSON_AddNumberToObject(object, "attributeVersion", (double)vault->attribute_version);
    if (item != NULL) {
        double version = (double)members_number(item->doc, "version", INT32_MAX);
        cJSON_AddNumberToObject(object, "version", version);
    }
    reply_json(reply, 200, object);
}

/* Borrowed: the field with the id, or else the first with the label. */
static cJSON *find_field(const struct item *item, const char *name)
{
    static const char *const keys[] = {"id", "label"};
    for (size_t i = 0; i < 2; i++) {
        cJSON *field = NULL;
        cJSON_ArrayForEach(field, cJSON_GetObjectItemCaseSensitive(item->doc, "fields"))
        {
            const char *text = members_text(field, keys[i]);
            if (text != NULL && strcmp(text, name) == 0) {
                return field;
            }
        }
    }
    return NULL;
}

static void set_field(struct request *request, struct vault *vault, struct item *item,
                      struct reply *reply)
{
    cJSON *field = find_field(item, request->parts[PART_MEMBER_NAME]);
    const char *value = request->body.length > 0 ? request->body.data : "";
    if (field == NULL) {
        reply_error(reply, 404, "There is no such field");
    } else if (!text_is_utf8(value, request->body.length)) {
        reply_error(reply, 400, "A value is UTF-8 without NUL bytes");
    } else {
        members_set_text(field, "value", value);
        vault_touch_item(vault, item);
        answer_versions(vault, item, reply);
    }
}

static void set_file(struct request *request, struct vault *vault, struct item *item,
                     struct reply *reply)
{
    struct file *file = item_file_any(item, request->parts[PART_MEMBER_NAME]);
    if (file == NULL) {
        reply_error(reply, 404, "There is no such file");
        return;
    }
    size_t n = request->body.length;
    vault_set_file(vault, item, file, (unsigned char *)buf_take(&request->body), n);
    answer_versions(vault, item, reply);
}

static void control_item(struct request *request, struct vault *vault, struct reply *reply)
{
    struct item *item = NULL;
    if (request->n_parts > PART_ITEM && request_part_is(request, PART_VERB, "items")) {
        item = vault_item_any(vault, request->parts[PART_ITEM]);
    }
    if (item == NULL) {
        reply_error(reply, 404, "There is no such item");
    } else if (is_call(request, "DELETE", 5)) {
        vault_remove_item(vault, item);
        answer_versions(vault, NULL, reply);
    } else if (is_call(request, "PUT", 7) && request_part_is(request, PART_MEMBER, "fields")) {
        set_field(request, vault, item, reply);
    } else if (is_call(request, "PUT", 7) && request_part_is(request, PART_MEMBER, "files")) {
        set_file(request, vault, item, reply);
    } else {
        reply_error(reply, 404, "Not found");
    }
}

/* {"name": .., "description": ..}: an attribute change. */
static void set_attributes(struct request *request, struct vault *vault, struct reply *reply)
{
    cJSON *body = request_json(request);
    const char *name = members_text(body, "name");
    const char *description = members_text(body, "description");
    if (name == NULL && description == NULL) {
        reply_error(reply, 400, "A name or a description is wanted");
    } else {
        if (name != NULL) {
            free(vault->name);
            vault->name = mem_text(name);
        }
        if (description != NULL) {
            free(vault->description);
            vault->description = mem_text(description);
        }
        vault->attribute_version++;
        answer_versions(vault, NULL, reply);
    }
    cJSON_Delete(body);
}

static void control_vaults(struct request *request, struct reply *reply)
{
    struct vault *vault = NULL;
    if (request->n_parts > PART_NAME) {
        vault = world_vault_any(request->fake->world, request->parts[PART_NAME]);
    }
    if (vault == NULL) {
        reply_error(reply, 404, "There is no such vault");
    } else if (is_call(request, "PUT", 3)) {
        set_attributes(request, vault, reply);
    } else {
        control_item(request, vault, reply);
    }
}

/* Loads the fixture anew. What was given out for a token stays good, and its file too; a token
 * that is new in the fixture is issued. Faults, requests and counters go. */
static void control_reset(struct request *request, struct reply *reply)
{
    struct fake *fake = request->fake;
    struct world *world = NULL;
    struct tokens *tokens = NULL;
    char error[FIXTURE_ERROR_SIZE];
    if (!is_call(request, "POST", 2)) {
        reply_error(reply, 405, "Method not allowed");
        return;
    }
    if (fixture_load(fake->options->fixture, &world, &tokens, error) < 0) {
        reply_error(reply, 400, "%s", error);
        return;
    }
    tokens_keep(tokens, fake->tokens);
    world_free(fake->world);
    tokens_free(fake->tokens);
    fake->world = world;
    fake->tokens = tokens;
    faults_clear(fake->faults);
    log_reset(fake->log);
    answer_done(reply);
    for (size_t i = 0; i < tokens->n; i++) {
        if (tokens->list[i].n_credentials == 0 &&
            token_issue(&tokens->list[i], world, fake->options->token_directory) < 0) {
            reply_error(reply, 500, "A token cannot be written: %s", strerror(errno));
        }
    }
}

static const struct {
    const char *name;
    void (*answer)(struct request *request, struct reply *reply);
} calls[] = {
    {"requests", control_requests}, {"counters", control_counters}, {"faults", control_faults},
    {"tokens", control_tokens},     {"vaults", control_vaults},     {"reset", control_reset},
};

void control_answer(struct request *request, struct reply *reply)
{
    if (request->too_large) {
        reply_error(reply, 413, "Request body too large");
        return;
    }
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (request_part_is(request, PART_KIND, calls[i].name)) {
            calls[i].answer(request, reply);
            return;
        }
    }
    reply_error(reply, 404, "Not found");
}
