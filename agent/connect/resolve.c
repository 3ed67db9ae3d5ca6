#include "connect/resolve.h"

#include <stdio.h>
#include <stdlib.h>

#include "connect/answer.h"
#include "connect/match.h"
#include "connect/openssh.h"
#include "connect/outcome.h"
#include "connect/wanted.h"

enum { PATH_SIZE = 512 };

struct resolve {
    struct client *client;
    const struct references *references;
    struct outcome outcome;
    struct resolve_owner owner;
    struct answer_list vaults;
    struct wanted_vault *asked;
    ssize_t *next;  /* one for each reference */
    size_t pending; /* requests that have not ended */
    bool over;
};

static const struct reference *reference_at(const struct resolve *resolve, ssize_t index)
{
    return resolve->references->list[index];
}

static void chain(struct resolve *resolve, ssize_t *first, ssize_t index)
{
    resolve->next[index] = *first;
    *first = index;
}

/* The vault did not answer as it should: its version does not count as seen. */
static void fail_chain(const struct wanted_vault *vault, ssize_t first, const struct error *error)
{
    struct outcome *outcome = &vault->resolve->outcome;
    for (ssize_t at = first; at != WANTED_NONE; at = vault->resolve->next[at]) {
        outcome_fail(outcome, (size_t)at, vault->id, error);
    }
    (void)known_set_vault(&outcome->learnt, vault->id, 0);
}

static void finish(struct resolve *resolve, const struct error *error)
{
    if (!resolve->over) {
        resolve->over = true;
        client_cancel(resolve->client);
        if (!error) {
            outcome_commit(&resolve->outcome);
        }
        resolve->owner.done(resolve->owner.context, error);
    }
}

static void end_request(struct resolve *resolve)
{
    if (--resolve->pending == 0) {
        finish(resolve, NULL);
    }
}

/* A refusal of one vault or item fails what waits for it; anything else concerns everything. */
static void fail_request(const struct wanted_vault *vault, ssize_t first, const struct error *error)
{
    struct resolve *resolve = vault->resolve;
    if (error->code == ERROR_FORBIDDEN || error->code == ERROR_GONE ||
        error->code == ERROR_NOT_FOUND) {
        fail_chain(vault, first, error);
        end_request(resolve);
    } else {
        finish(resolve, error);
    }
}

static bool ask(struct resolve *resolve, enum client_endpoint endpoint, const char *path,
                struct client_owner owner, struct error *err)
{
    if (!client_get(resolve->client, endpoint, path, owner, err)) {
        return false;
    }
    resolve->pending++;
    return true;
}

/* Memory ran out in the middle: nothing sensible can follow. */
static bool check_memory(struct resolve *resolve, bool ok, const struct error *error)
{
    if (!ok) {
        finish(resolve, error);
    }
    return ok;
}

static struct outcome *outcome_of(const struct wanted_item *item)
{
    return &item->vault->resolve->outcome;
}

static bool store(struct wanted_item *item, ssize_t index, struct str text, struct error *err)
{
    struct secret *bytes = secret_new(text.size);
    if (!bytes || !secret_append(bytes, text, err)) {
        secret_free(bytes);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    outcome_set(outcome_of(item), (size_t)index, item, bytes);
    return true;
}

/* --- attachments --- */

static bool take_file(void *context, const struct secret *body, struct error *err)
{
    struct wanted_file *file = context;
    struct resolve *resolve = file->item->vault->resolve;
    for (ssize_t at = file->first; at != WANTED_NONE; at = resolve->next[at]) {
        if (!check_memory(resolve, store(file->item, at, secret_str(body), err), err)) {
            return true;
        }
    }
    end_request(resolve);
    return true;
}

static void fail_file(void *context, const struct error *error)
{
    struct wanted_file *file = context;
    fail_request(file->item->vault, file->first, error);
}

static bool ask_file(struct wanted_item *item, const struct answer_file *wanted, ssize_t index,
                     struct error *err)
{
    struct resolve *resolve = item->vault->resolve;
    char path[PATH_SIZE];
    bool new;
    struct wanted_file *file = wanted_file(item, wanted->id, &new);
    if (!file) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (new) {
        snprintf(path, sizeof(path), "/v1/vaults/%s/items/%s/files/%s/content", item->vault->id,
                 item->id, file->id);
        struct client_owner owner = {take_file, fail_file, file};
        if (!ask(resolve, CLIENT_FILE, path, owner, err)) {
            return false;
        }
    }
    chain(resolve, &file->first, index);
    return true;
}

/* --- items --- */

/* A key that cannot be converted is the reference's own error. */
static bool store_key(struct wanted_item *item, ssize_t index, const struct match *match,
                      struct error *err)
{
    struct secret *bytes = secret_new(2 * match->text.size + LIMIT_REFERENCE);
    if (bytes && openssh_convert(match->text, match->public_key, bytes, err)) {
        outcome_set(outcome_of(item), (size_t)index, item, bytes);
        return true;
    }
    secret_free(bytes);
    if (!bytes || err->code == ERROR_MEMORY) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    outcome_fail_in_item(outcome_of(item), (size_t)index, item, err);
    return true;
}

static bool store_match(struct wanted_item *item, ssize_t index, const struct match *match,
                        struct error *err)
{
    char number[32];
    if (match->kind == MATCH_FILE) {
        return ask_file(item, match->file, index, err);
    }
    if (match->kind == MATCH_KEY) {
        return store_key(item, index, match, err);
    }
    if (match->is_number) {
        snprintf(number, sizeof(number), "%llu", (unsigned long long)match->number);
        return store(item, index, str_from(number), err);
    }
    return store(item, index, match->text, err);
}

/* An attachment is asked for with the ID the item gives it, so that has to be usable. */
static bool check_files(const struct answer_item *answer, struct error *err)
{
    for (size_t i = 0; i < answer->files_count; i++) {
        if (!answer_is_usable_id(answer->files[i].id)) {
            return error_set(err, ERROR_PROTOCOL, "a file of the item has no usable ID");
        }
    }
    return true;
}

static bool take_item(void *context, const struct secret *body, struct error *err)
{
    struct wanted_item *item = context;
    struct resolve *resolve = item->vault->resolve;
    struct answer_item answer;
    struct match match;
    if (!answer_parse_item(body, &answer, err)) {
        return error_wrap(err, "item %s", item->id);
    }
    if (!check_files(&answer, err)) {
        answer_item_done(&answer);
        return error_wrap(err, "item %s", item->id);
    }
    resolve->owner.item_read(resolve->owner.context, item->vault->id, item->id, answer.version);
    for (ssize_t at = item->first, next; at != WANTED_NONE && !resolve->over; at = next) {
        next = resolve->next[at]; /* ask_file chains it anew */
        if (!match_in_item(&answer, reference_at(resolve, at), &match, err)) {
            outcome_fail_in_item(outcome_of(item), (size_t)at, item, err);
        } else {
            (void)check_memory(resolve, store_match(item, at, &match, err), err);
        }
    }
    answer_item_done(&answer);
    if (!resolve->over) {
        end_request(resolve);
    }
    return true;
}

static void fail_item(void *context, const struct error *error)
{
    struct wanted_item *item = context;
    fail_request(item->vault, item->first, error);
}

static bool ask_item(struct wanted_vault *vault, const struct answer_entry *entry, ssize_t index,
                     struct error *err)
{
    char path[PATH_SIZE];
    bool new;
    struct outcome *outcome = &vault->resolve->outcome;
    if (outcome_is_read(outcome, (size_t)index, entry->id, entry->version)) {
        return outcome_keep(outcome, (size_t)index, err);
    }
    struct wanted_item *item = wanted_item(vault, entry, &new);
    if (!item) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (new) {
        snprintf(path, sizeof(path), "/v1/vaults/%s/items/%s", vault->id, item->id);
        if (!ask(vault->resolve, CLIENT_ITEM, path,
                 (struct client_owner){take_item, fail_item, item}, err)) {
            return false;
        }
    }
    chain(vault->resolve, &item->first, index);
    return true;
}

/* --- vaults --- */

static bool take_items(void *context, const struct secret *body, struct error *err)
{
    struct wanted_vault *vault = context;
    struct resolve *resolve = vault->resolve;
    const struct answer_entry *entry;
    if (!answer_parse_list(body, &vault->items, err)) {
        return error_wrap(err, "items of vault %s", vault->id);
    }
    vault->by_entry = calloc(vault->items.count + 1, sizeof(struct wanted_item *));
    if (!vault->by_entry) {
        error_set(err, ERROR_MEMORY, "out of memory");
        finish(resolve, err);
        return true;
    }
    for (ssize_t at = vault->first, next; at != WANTED_NONE && !resolve->over; at = next) {
        next = resolve->next[at];
        if (!match_entry(&vault->items, reference_at(resolve, at)->item, "item", &entry, err)) {
            outcome_fail(&resolve->outcome, (size_t)at, vault->id, err);
        } else {
            (void)check_memory(resolve, ask_item(vault, entry, at, err), err);
        }
    }
    if (!resolve->over) {
        end_request(resolve);
    }
    return true;
}

static void fail_vault(void *context, const struct error *error)
{
    struct wanted_vault *vault = context;
    struct error missing = *error;
    if (error->code == ERROR_GONE && !vault->listed) {
        error_set(&missing, ERROR_NOT_FOUND, "no vault with this ID");
    }
    fail_request(vault, vault->first, &missing);
}

static bool keep_vault(struct wanted_vault *vault, struct error *err)
{
    for (ssize_t at = vault->first; at != WANTED_NONE; at = vault->resolve->next[at]) {
        if (!outcome_keep(&vault->resolve->outcome, (size_t)at, err)) {
            return false;
        }
    }
    return true;
}

/* A vault that was renamed may no longer be what a reference names. */
static bool is_named_otherwise(const struct wanted_vault *vault, struct str name)
{
    const struct resolve *resolve = vault->resolve;
    for (ssize_t at = vault->first; at != WANTED_NONE; at = resolve->next[at]) {
        struct str part = reference_at(resolve, at)->vault;
        if (name.size > 0 && !str_equal_nocase(part, name) &&
            !str_equal_nocase(part, str_from(vault->id))) {
            return true;
        }
    }
    return false;
}

static bool take_vaults(void *context, const struct secret *body, struct error *err);
static void fail_vaults(void *context, const struct error *error);

/* From the beginning, as if nothing had been known. */
static bool start_over(struct resolve *resolve, struct error *err)
{
    client_cancel(resolve->client);
    wanted_free(resolve->asked);
    resolve->asked = NULL;
    resolve->pending = 0;
    outcome_forget(&resolve->outcome);
    return ask(resolve, CLIENT_VAULTS, "/v1/vaults",
               (struct client_owner){take_vaults, fail_vaults, resolve}, err);
}

static bool ask_items(struct wanted_vault *vault, struct error *err)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "/v1/vaults/%s/items", vault->id);
    return ask(vault->resolve, CLIENT_ITEMS, path,
               (struct client_owner){take_items, fail_vault, vault}, err);
}

/* The version is asked for before the items: a change in between is then seen the next time. */
static bool take_vault(void *context, const struct secret *body, struct error *err)
{
    struct wanted_vault *vault = context;
    struct resolve *resolve = vault->resolve;
    struct answer_vault answer;
    if (!answer_parse_vault(body, &answer, err)) {
        return error_wrap(err, "vault %s", vault->id);
    }
    uint64_t before = known_vault_version(resolve->outcome.known, vault->id);
    bool renamed = before > 0 && is_named_otherwise(vault, str_from(answer.name));
    vault->content_version = answer.content_version;
    if (renamed) {
        (void)check_memory(resolve, start_over(resolve, err), err);
        return true;
    }
    bool ok = known_set_vault(&resolve->outcome.learnt, vault->id, answer.content_version) ||
              error_set(err, ERROR_MEMORY, "out of memory");
    bool same = before > 0 && before == answer.content_version;
    if (check_memory(resolve, ok && (same ? keep_vault(vault, err) : ask_items(vault, err)), err)) {
        end_request(resolve);
    }
    return true;
}

static bool ask_vault(struct resolve *resolve, struct str id, bool listed, ssize_t index,
                      struct error *err)
{
    bool new;
    struct wanted_vault *vault = wanted_vault(&resolve->asked, id, &new);
    char path[PATH_SIZE];
    if (!vault) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (new) {
        vault->resolve = resolve;
        vault->listed = listed;
        snprintf(path, sizeof(path), "/v1/vaults/%s", vault->id);
        if (!ask(resolve, CLIENT_VAULT, path, (struct client_owner){take_vault, fail_vault, vault},
                 err)) {
            return false;
        }
    }
    chain(resolve, &vault->first, index);
    return true;
}

/* An ID that is not in the list may be a vault that this token was not granted: the server knows
 * the difference (403 or 404). */
static bool find_or_ask_vault(struct resolve *resolve, ssize_t index, struct error *err)
{
    const struct answer_entry *entry;
    struct error missing;
    struct str part = reference_at(resolve, index)->vault;
    if (match_entry(&resolve->vaults, part, "vault", &entry, &missing)) {
        return ask_vault(resolve, entry->id, true, index, err);
    }
    if (missing.code == ERROR_NOT_FOUND && reference_is_id(part)) {
        return ask_vault(resolve, part, false, index, err);
    }
    if (resolve->vaults.count == 0) {
        error_set(&missing, ERROR_FORBIDDEN,
                  "the token is good, but no vault is granted to it; create one for the vault");
    } else if (missing.code == ERROR_NOT_FOUND) {
        struct error plain = missing;
        error_set(&missing, plain.code, "%s (this token can read %zu other vault%s)", plain.message,
                  resolve->vaults.count, resolve->vaults.count == 1 ? "" : "s");
    }
    outcome_fail(&resolve->outcome, (size_t)index, "", &missing);
    return true;
}

static bool take_vaults(void *context, const struct secret *body, struct error *err)
{
    struct resolve *resolve = context;
    if (!answer_parse_list(body, &resolve->vaults, err)) {
        return error_wrap(err, "list of vaults");
    }
    for (size_t i = 0; i < resolve->references->count && !resolve->over; i++) {
        (void)check_memory(resolve, find_or_ask_vault(resolve, (ssize_t)i, err), err);
    }
    if (!resolve->over) {
        end_request(resolve);
    }
    return true;
}

static void fail_vaults(void *context, const struct error *error)
{
    finish(context, error);
}

/* The list of vaults tells what a name means; when that is known, the vaults are asked at once. */
static bool begin(struct resolve *resolve, struct error *err)
{
    const struct known *known = resolve->outcome.known;
    if (known->count == 0 || !known_has_vaults(known)) {
        return ask(resolve, CLIENT_VAULTS, "/v1/vaults",
                   (struct client_owner){take_vaults, fail_vaults, resolve}, err);
    }
    for (size_t i = 0; i < known->count; i++) {
        if (!ask_vault(resolve, str_from(known->references[i].vault), true, (ssize_t)i, err)) {
            return false;
        }
    }
    return true;
}

bool resolve_start(struct client *client, const struct references *references, struct known *known,
                   struct values *values, const struct resolve_owner *owner,
                   struct resolve **ret_resolve, struct error *err)
{
    struct resolve *resolve = calloc(1, sizeof(*resolve));
    ssize_t *next = calloc(references->count + 1, sizeof(*next));
    if (!resolve || !next) {
        free(resolve);
        free(next);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *resolve =
        (struct resolve){.client = client, .references = references, .owner = *owner, .next = next};
    if (!outcome_init(&resolve->outcome, references, known, values, err) || !begin(resolve, err)) {
        resolve_free(resolve);
        return false;
    }
    *ret_resolve = resolve;
    return true;
}

bool resolve_is_changed(const struct resolve *resolve)
{
    return resolve->outcome.changed;
}

void resolve_free(struct resolve *resolve)
{
    if (!resolve) {
        return;
    }
    client_cancel(resolve->client);
    wanted_free(resolve->asked);
    answer_list_done(&resolve->vaults);
    outcome_done(&resolve->outcome);
    free(resolve->next);
    free(resolve);
}
