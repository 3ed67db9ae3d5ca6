#include "connect/answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { ID_LONGEST = 64 };

bool answer_is_usable_id(struct str id)
{
    for (size_t i = 0; i < id.size; i++) {
        char c = id.bytes[i];
        bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_';
        if (!safe) {
            return false;
        }
    }
    return id.size > 0 && id.size <= ID_LONGEST;
}

static size_t count_members(const struct cJSON *array)
{
    size_t count = 0;
    for (const struct cJSON *member = json_first(array); member; member = json_next(member)) {
        count++;
    }
    return count;
}

static int by_id(const void *a, const void *b)
{
    const struct answer_entry *const *left = a;
    const struct answer_entry *const *right = b;
    return str_compare_nocase((*left)->id, (*right)->id);
}

static int by_name(const void *a, const void *b)
{
    const struct answer_entry *const *left = a;
    const struct answer_entry *const *right = b;
    return str_compare_nocase((*left)->name, (*right)->name);
}

static bool take_entry(const struct cJSON *json, struct answer_entry *entry, struct error *err)
{
    if (!json_is_object(json)) {
        return error_set(err, ERROR_PROTOCOL, "an entry of the list is not an object");
    }
    entry->id = json_text(json, "id");
    entry->name = json_text(json, "name");
    if (entry->name.size == 0) {
        entry->name = json_text(json, "title");
    }
    entry->archived = str_is(json_text(json, "state"), "ARCHIVED");
    (void)json_number(json, "version", &entry->version);
    if (!answer_is_usable_id(entry->id)) {
        return error_set(err, ERROR_PROTOCOL, "an entry of the list has no usable ID");
    }
    return true;
}

static bool take_entries(struct answer_list *list, struct error *err)
{
    list->entries = calloc(list->count + 1, sizeof(*list->entries));
    list->by_id = calloc(list->count + 1, sizeof(struct answer_entry *));
    list->by_name = calloc(list->count + 1, sizeof(struct answer_entry *));
    if (!list->entries || !list->by_id || !list->by_name) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    struct answer_entry *entry = list->entries;
    for (const struct cJSON *at = json_first(list->json); at; at = json_next(at), entry++) {
        size_t index = (size_t)(entry - list->entries);
        list->by_id[index] = list->by_name[index] = entry;
        if (!take_entry(at, entry, err)) {
            return false;
        }
    }
    qsort(list->by_id, list->count, sizeof(struct answer_entry *), by_id);
    qsort(list->by_name, list->count, sizeof(struct answer_entry *), by_name);
    return true;
}

bool answer_parse_list(const struct secret *body, struct answer_list *ret_list, struct error *err)
{
    struct answer_list list = {0};
    if (!json_parse(secret_str(body), &list.json, err)) {
        return false;
    }
    list.count = count_members(list.json);
    if (!json_is_array(list.json)) {
        answer_list_done(&list);
        return error_set(err, ERROR_PROTOCOL, "the answer is not a list");
    }
    if (!take_entries(&list, err)) {
        answer_list_done(&list);
        return false;
    }
    *ret_list = list;
    return true;
}

void answer_list_done(struct answer_list *list)
{
    free(list->entries);
    free(list->by_id);
    free(list->by_name);
    json_free(list->json);
    *list = (struct answer_list){0};
}

static struct str section_of(const struct cJSON *json)
{
    return json_text(json_member(json, "section"), "id");
}

static void take_section(const struct cJSON *json, void *into)
{
    struct answer_section *section = into;
    *section = (struct answer_section){json_text(json, "id"), json_text(json, "label")};
}

static void take_field(const struct cJSON *json, void *into)
{
    struct answer_field *field = into;
    *field = (struct answer_field){
        .id = json_text(json, "id"),
        .label = json_text(json, "label"),
        .type = json_text(json, "type"),
        .purpose = json_text(json, "purpose"),
        .value = json_text(json, "value"),
        .totp = json_text(json, "totp"),
        .section = section_of(json),
    };
}

static void take_file(const struct cJSON *json, void *into)
{
    struct answer_file *file = into;
    *file = (struct answer_file){
        .id = json_text(json, "id"), .name = json_text(json, "name"), .section = section_of(json)};
    (void)json_number(json, "size", &file->size);
}

static void take_url(const struct cJSON *json, void *into)
{
    struct answer_url *url = into;
    *url = (struct answer_url){json_text(json, "label"), json_text(json, "href"),
                               json_flag(json, "primary")};
}

/* The objects of the array member `name`; null and absent are empty. Null when memory is out. */
static void *take_array(const struct cJSON *item, const char *name, size_t size,
                        void (*take)(const struct cJSON *, void *), size_t *ret_count)
{
    const struct cJSON *array = json_member(item, name);
    size_t count = 0;
    char *list = calloc(count_members(array) + 1, size);
    if (!list || !json_is_array(array)) {
        return list;
    }
    for (const struct cJSON *at = json_first(array); at; at = json_next(at)) {
        if (json_is_object(at)) {
            take(at, list + count++ * size);
        }
    }
    *ret_count = count;
    return list;
}

bool answer_parse_item(const struct secret *body, struct answer_item *ret_item, struct error *err)
{
    struct answer_item item = {0};
    if (!json_parse(secret_str(body), &item.json, err)) {
        return false;
    }
    item.id = json_text(item.json, "id");
    item.title = json_text(item.json, "title");
    (void)json_number(item.json, "version", &item.version);
    if (!json_is_object(item.json) || item.id.size == 0) {
        answer_item_done(&item);
        return error_set(err, ERROR_PROTOCOL, "the answer is not an item");
    }
    item.sections = take_array(item.json, "sections", sizeof(*item.sections), take_section,
                               &item.sections_count);
    item.fields =
        take_array(item.json, "fields", sizeof(*item.fields), take_field, &item.fields_count);
    item.files = take_array(item.json, "files", sizeof(*item.files), take_file, &item.files_count);
    item.urls = take_array(item.json, "urls", sizeof(*item.urls), take_url, &item.urls_count);
    if (!item.sections || !item.fields || !item.files || !item.urls) {
        answer_item_done(&item);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *ret_item = item;
    return true;
}

void answer_item_done(struct answer_item *item)
{
    free(item->sections);
    free(item->fields);
    free(item->files);
    free(item->urls);
    json_free(item->json);
    *item = (struct answer_item){0};
}

bool answer_parse_vault(const struct secret *body, struct answer_vault *ret_vault,
                        struct error *err)
{
    struct cJSON *json;
    struct answer_vault vault = {.name = ""};
    if (!json_parse(secret_str(body), &json, err)) {
        return false;
    }
    bool usable = json_text(json, "id").size > 0;
    struct str name = json_text(json, "name");
    (void)json_number(json, "contentVersion", &vault.content_version);
    if (name.size < sizeof(vault.name)) {
        memcpy(vault.name, name.bytes ? name.bytes : "", name.size);
    }
    json_free(json);
    if (!usable) {
        return error_set(err, ERROR_PROTOCOL, "the answer is not a vault");
    }
    *ret_vault = vault;
    return true;
}
