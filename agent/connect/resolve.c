#include "connect/resolve.h"

#include <stdio.h>
#include <stdlib.h>

#include "connect/answer.h"
#include "connect/match.h"
#include "connect/openssh.h"

enum { NONE = -1, PATH_SIZE = 512, ID_SIZE = 80 };

/* What is asked for, as a tree. References wait in chains (next[index]), first at the vault, then
 * at the item, then at the file. */
struct wanted_file {
    struct wanted_file *next;
    struct wanted_item *item;
    char id[ID_SIZE];
    ssize_t first; /* reference, or NONE */
};

struct wanted_item {
    struct wanted_item *next;
    struct wanted_vault *vault;
    char id[ID_SIZE];
    ssize_t first;
    struct wanted_file *files;
};

struct wanted_vault {
    struct wanted_vault *next;
    struct resolve *resolve;
    char id[ID_SIZE];
    bool listed; /* else it was only named by an ID */
    ssize_t first;
    struct answer_list items;
    struct wanted_item **by_entry; /* parallel to items.entries */
    struct wanted_item *read;      /* all items that are read */
    uint64_t content_version;
};

struct resolve {
    struct client *client;
    const struct references *references;
    struct values *values;
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

static void fail_reference(struct resolve *resolve, ssize_t index, const struct error *error)
{
    struct error named = *error;
    error_wrap(&named, "%s", reference_at(resolve, index)->text);
    values_fail(resolve->values, (size_t)index, &named);
}

static void fail_chain(struct resolve *resolve, ssize_t first, const struct error *error)
{
    for (ssize_t at = first; at != NONE; at = resolve->next[at]) {
        fail_reference(resolve, at, error);
    }
}

static void finish(struct resolve *resolve, const struct error *error)
{
    if (!resolve->over) {
        resolve->over = true;
        client_cancel(resolve->client);
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
static void fail_request(struct resolve *resolve, ssize_t first, const struct error *error)
{
    if (error->code == ERROR_FORBIDDEN || error->code == ERROR_GONE ||
        error->code == ERROR_NOT_FOUND) {
        fail_chain(resolve, first, error);
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

static bool store(struct resolve *resolve, ssize_t index, struct str text, struct error *err)
{
    struct secret *bytes = secret_new(text.size);
    if (!bytes || !secret_append(bytes, text, err)) {
        secret_free(bytes);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    values_set(resolve->values, (size_t)index, bytes);
    return true;
}

/* --- attachments --- */

static bool take_file(void *context, const struct secret *body, struct error *err)
{
    struct wanted_file *file = context;
    struct resolve *resolve = file->item->vault->resolve;
    for (ssize_t at = file->first; at != NONE; at = resolve->next[at]) {
        if (!check_memory(resolve, store(resolve, at, secret_str(body), err), err)) {
            return true;
        }
    }
    end_request(resolve);
    return true;
}

static void fail_file(void *context, const struct error *error)
{
    struct wanted_file *file = context;
    fail_request(file->item->vault->resolve, file->first, error);
}

static bool ask_file(struct wanted_item *item, const struct answer_file *wanted, ssize_t index,
                     struct error *err)
{
    struct resolve *resolve = item->vault->resolve;
    char path[PATH_SIZE];
    struct wanted_file *file = item->files;
    while (file && !str_is(wanted->id, file->id)) {
        file = file->next;
    }
    if (!file) {
        file = calloc(1, sizeof(*file));
        if (!file) {
            return error_set(err, ERROR_MEMORY, "out of memory");
        }
        *file = (struct wanted_file){.next = item->files, .item = item, .first = NONE};
        str_print(wanted->id, file->id, sizeof(file->id));
        item->files = file;
        snprintf(path, sizeof(path), "/v1/vaults/%s/items/%s/files/%s/content", item->vault->id,
                 item->id, file->id);
        if (!ask(resolve, CLIENT_FILE, path, (struct client_owner){take_file, fail_file, file},
                 err)) {
            return false;
        }
    }
    chain(resolve, &file->first, index);
    return true;
}

/* --- items --- */

/* A key that cannot be converted is the reference's own error. */
static bool store_key(struct resolve *resolve, ssize_t index, const struct match *match,
                      struct error *err)
{
    struct secret *bytes = secret_new(2 * match->text.size + LIMIT_REFERENCE);
    if (bytes && openssh_convert(match->text, match->public_key, bytes, err)) {
        values_set(resolve->values, (size_t)index, bytes);
        return true;
    }
    secret_free(bytes);
    if (!bytes || err->code == ERROR_MEMORY) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    fail_reference(resolve, index, err);
    return true;
}

static bool store_match(struct wanted_item *item, ssize_t index, const struct match *match,
                        struct error *err)
{
    struct resolve *resolve = item->vault->resolve;
    char number[32];
    if (match->kind == MATCH_FILE) {
        return ask_file(item, match->file, index, err);
    }
    if (match->kind == MATCH_KEY) {
        return store_key(resolve, index, match, err);
    }
    if (match->is_number) {
        snprintf(number, sizeof(number), "%llu", (unsigned long long)match->number);
        return store(resolve, index, str_from(number), err);
    }
    return store(resolve, index, match->text, err);
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
    for (ssize_t at = item->first, next; at != NONE && !resolve->over; at = next) {
        next = resolve->next[at]; /* ask_file chains it anew */
        if (!match_in_item(&answer, reference_at(resolve, at), &match, err)) {
            fail_reference(resolve, at, err);
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
    fail_request(item->vault->resolve, item->first, error);
}

static bool ask_item(struct wanted_vault *vault, const struct answer_entry *entry, ssize_t index,
                     struct error *err)
{
    struct wanted_item **slot = &vault->by_entry[entry - vault->items.entries];
    char path[PATH_SIZE];
    if (!*slot) {
        struct wanted_item *item = calloc(1, sizeof(*item));
        if (!item) {
            return error_set(err, ERROR_MEMORY, "out of memory");
        }
        *item = (struct wanted_item){.next = vault->read, .vault = vault, .first = NONE};
        str_print(entry->id, item->id, sizeof(item->id));
        vault->read = *slot = item;
        snprintf(path, sizeof(path), "/v1/vaults/%s/items/%s", vault->id, item->id);
        if (!ask(vault->resolve, CLIENT_ITEM, path,
                 (struct client_owner){take_item, fail_item, item}, err)) {
            return false;
        }
    }
    chain(vault->resolve, &(*slot)->first, index);
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
    for (ssize_t at = vault->first, next; at != NONE && !resolve->over; at = next) {
        next = resolve->next[at];
        if (!match_entry(&vault->items, reference_at(resolve, at)->item, "item", &entry, err)) {
            fail_reference(resolve, at, err);
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
    fail_request(vault->resolve, vault->first, &missing);
}

/* The version is asked for before the items: a change in between is then seen the next time. */
static bool take_vault(void *context, const struct secret *body, struct error *err)
{
    struct wanted_vault *vault = context;
    struct resolve *resolve = vault->resolve;
    char path[PATH_SIZE];
    if (!answer_parse_vault(body, &vault->content_version, err)) {
        return error_wrap(err, "vault %s", vault->id);
    }
    snprintf(path, sizeof(path), "/v1/vaults/%s/items", vault->id);
    if (check_memory(resolve,
                     ask(resolve, CLIENT_ITEMS, path,
                         (struct client_owner){take_items, fail_vault, vault}, err),
                     err)) {
        end_request(resolve);
    }
    return true;
}

static struct wanted_vault *find_vault(struct resolve *resolve, struct str id)
{
    struct wanted_vault *vault = resolve->asked;
    while (vault && !str_is(id, vault->id)) {
        vault = vault->next;
    }
    return vault;
}

static bool ask_vault(struct resolve *resolve, struct str id, bool listed, ssize_t index,
                      struct error *err)
{
    struct wanted_vault *vault = find_vault(resolve, id);
    char path[PATH_SIZE];
    if (!vault) {
        vault = calloc(1, sizeof(*vault));
        if (!vault) {
            return error_set(err, ERROR_MEMORY, "out of memory");
        }
        *vault = (struct wanted_vault){
            .next = resolve->asked, .resolve = resolve, .listed = listed, .first = NONE};
        str_print(id, vault->id, sizeof(vault->id));
        resolve->asked = vault;
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
    fail_reference(resolve, index, &missing);
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

bool resolve_start(struct client *client, const struct references *references,
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
    *resolve = (struct resolve){.client = client,
                                .references = references,
                                .values = values,
                                .owner = *owner,
                                .next = next};
    if (!ask(resolve, CLIENT_VAULTS, "/v1/vaults",
             (struct client_owner){take_vaults, fail_vaults, resolve}, err)) {
        resolve_free(resolve);
        return false;
    }
    *ret_resolve = resolve;
    return true;
}

static void item_free(struct wanted_item *item)
{
    while (item->files) {
        struct wanted_file *next = item->files->next;
        free(item->files);
        item->files = next;
    }
    free(item);
}

static void vault_free(struct wanted_vault *vault)
{
    while (vault->read) {
        struct wanted_item *next = vault->read->next;
        item_free(vault->read);
        vault->read = next;
    }
    answer_list_done(&vault->items);
    free(vault->by_entry);
    free(vault);
}

void resolve_free(struct resolve *resolve)
{
    if (!resolve) {
        return;
    }
    client_cancel(resolve->client);
    while (resolve->asked) {
        struct wanted_vault *next = resolve->asked->next;
        vault_free(resolve->asked);
        resolve->asked = next;
    }
    answer_list_done(&resolve->vaults);
    free(resolve->next);
    free(resolve);
}
