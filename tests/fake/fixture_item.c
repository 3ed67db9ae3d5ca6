#include "fixture_item.h"

#include "base.h"
#include "generate.h"
#include "members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)64 << 20)

void fixture_id(struct reader *reader, yaml_node_t *node, const char *path, const char *name,
                size_t occurrence, char id[ID_SIZE])
{
    const char *given = reader_text(reader, node, "id");
    if (given != NULL && !text_is_id(given)) {
        reader_fail(reader, reader_get(reader, node, "id"),
                    "\"%s\" is not an ID: 26 characters of a-z0-9", given);
    } else if (given != NULL) {
        memcpy(id, given, ID_SIZE);
    } else {
        char *whole = mem_print("%s/%s#%zu", path, name, occurrence);
        id_make(id, whole);
        free(whole);
    }
}

/* How often the list has the text as a member before the element at n. */
static size_t occurrence_of(struct reader *reader, yaml_node_t *list, size_t n, const char *key,
                            const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const char *other = reader_text(reader, reader_at(reader, list, i), key);
        count += strcmp(other != NULL ? other : "", text) == 0;
    }
    return count;
}

static void copy_text(struct reader *reader, yaml_node_t *node, cJSON *object, const char *name)
{
    const char *text = reader_text(reader, node, name);
    if (text != NULL) {
        cJSON_AddStringToObject(object, name, text);
    }
}

static void copy_bool(struct reader *reader, yaml_node_t *node, cJSON *object, const char *name)
{
    const char *text = reader_text(reader, node, name);
    if (text == NULL) {
        return;
    }
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        reader_fail(reader, reader_get(reader, node, name), "\"%s\" is not true or false", text);
    }
    cJSON_AddBoolToObject(object, name, strcmp(text, "true") == 0);
}

static void add_tags(struct reader *reader, yaml_node_t *node, cJSON *doc)
{
    yaml_node_t *list = reader_get(reader, node, "tags");
    cJSON *tags = list != NULL ? cJSON_AddArrayToObject(doc, "tags") : NULL;
    for (size_t i = 0; i < reader_count(reader, list); i++) {
        const char *tag = reader_scalar(reader, reader_at(reader, list, i));
        cJSON_AddItemToArray(tags, cJSON_CreateString(tag != NULL ? tag : ""));
    }
}

static void add_urls(struct reader *reader, yaml_node_t *node, cJSON *doc)
{
    yaml_node_t *list = reader_get(reader, node, "urls");
    cJSON *urls = list != NULL ? cJSON_AddArrayToObject(doc, "urls") : NULL;
    for (size_t i = 0; i < reader_count(reader, list); i++) {
        yaml_node_t *entry = reader_at(reader, list, i);
        cJSON *url = cJSON_CreateObject();
        reader_keys(reader, entry, "label href primary");
        copy_text(reader, entry, url, "label");
        copy_bool(reader, entry, url, "primary");
        copy_text(reader, entry, url, "href");
        cJSON_AddItemToArray(urls, url);
    }
}

static void add_sections(struct reader *reader, yaml_node_t *node, cJSON *doc, const char *path)
{
    yaml_node_t *list = reader_get(reader, node, "sections");
    cJSON *sections = list != NULL ? cJSON_AddArrayToObject(doc, "sections") : NULL;
    for (size_t i = 0; i < reader_count(reader, list); i++) {
        yaml_node_t *entry = reader_at(reader, list, i);
        cJSON *section = cJSON_CreateObject();
        cJSON_AddItemToArray(sections, section);
        reader_keys(reader, entry, "id label");
        const char *label = reader_text(reader, entry, "label");
        if (reader_get(reader, entry, "id") != NULL) {
            copy_text(reader, entry, section, "id");
        } else {
            char id[ID_SIZE] = "";
            size_t n = occurrence_of(reader, list, i, "label", label != NULL ? label : "");
            char *whole = mem_print("%s/sections", path);
            fixture_id(reader, entry, whole, label != NULL ? label : "", n, id);
            free(whole);
            cJSON_AddStringToObject(section, "id", id);
        }
        copy_text(reader, entry, section, "label");
    }
}

/* Adds {"id": ..}: of the section with that id or else label, or the text itself for an id that
 * sections[] does not list. */
static void add_section_reference(struct reader *reader, yaml_node_t *node, const cJSON *doc,
                                  cJSON *object)
{
    const char *text = reader_text(reader, node, "section");
    if (text == NULL) {
        return;
    }
    const char *id = text;
    const cJSON *section = NULL;
    cJSON_ArrayForEach(section, cJSON_GetObjectItemCaseSensitive(doc, "sections"))
    {
        const char *label = members_text(section, "label");
        const char *other = members_text(section, "id");
        if (other != NULL && strcmp(other, text) == 0) {
            id = text;
            break;
        }
        if (label != NULL && strcmp(label, text) == 0) {
            id = other;
        }
    }
    cJSON_AddStringToObject(cJSON_AddObjectToObject(object, "section"), "id", id);
}

/* The id of a field that names none: Connect's own for the fields with a purpose. */
static void add_field_id(struct reader *reader, yaml_node_t *list, size_t i, cJSON *field,
                         const char *path)
{
    yaml_node_t *node = reader_at(reader, list, i);
    const char *given = reader_text(reader, node, "id");
    const char *purpose = reader_text(reader, node, "purpose");
    if (given != NULL) {
        cJSON_AddStringToObject(field, "id", given);
    } else if (purpose != NULL && strcmp(purpose, "USERNAME") == 0) {
        cJSON_AddStringToObject(field, "id", "username");
    } else if (purpose != NULL && strcmp(purpose, "PASSWORD") == 0) {
        cJSON_AddStringToObject(field, "id", "password");
    } else if (purpose != NULL && strcmp(purpose, "NOTES") == 0) {
        cJSON_AddStringToObject(field, "id", "notesPlain");
    } else {
        char id[ID_SIZE] = "";
        const char *label = reader_text(reader, node, "label");
        size_t n = occurrence_of(reader, list, i, "label", label != NULL ? label : "");
        char *whole = mem_print("%s/fields", path);
        fixture_id(reader, node, whole, label != NULL ? label : "", n, id);
        free(whole);
        cJSON_AddStringToObject(field, "id", id);
    }
}

static void add_generated(struct reader *reader, yaml_node_t *node, struct generate_key *key,
                          cJSON *field)
{
    const char *kind = reader_text(reader, node, "generate");
    if (kind == NULL) {
        return;
    }
    char *value = generate_value(key, kind);
    if (value == NULL || reader_get(reader, node, "value") != NULL) {
        reader_fail(reader, reader_get(reader, node, "generate"),
                    "generate takes %s, the last three after a key in the same item, and no value",
                    GENERATE_KINDS);
    } else {
        cJSON_AddStringToObject(field, "value", value);
    }
    free(value);
}

static void add_fields(struct reader *reader, yaml_node_t *node, cJSON *doc, const char *path)
{
    struct generate_key key = {0};
    yaml_node_t *list = reader_get(reader, node, "fields");
    cJSON *fields = cJSON_AddArrayToObject(doc, "fields");
    for (size_t i = 0; i < reader_count(reader, list); i++) {
        yaml_node_t *entry = reader_at(reader, list, i);
        cJSON *field = cJSON_CreateObject();
        cJSON_AddItemToArray(fields, field);
        reader_keys(reader, entry, "id label type purpose value totp section generate raw");
        add_field_id(reader, list, i, field, path);
        add_section_reference(reader, entry, doc, field);
        const char *type = reader_text(reader, entry, "type");
        cJSON_AddStringToObject(field, "type", type != NULL ? type : "STRING");
        copy_text(reader, entry, field, "purpose");
        copy_text(reader, entry, field, "label");
        copy_text(reader, entry, field, "value");
        copy_text(reader, entry, field, "totp");
        add_generated(reader, entry, &key, field);
        reader_merge(reader, reader_get(reader, entry, "raw"), field);
    }
    generate_key_done(&key);
}

static unsigned char *read_beside(struct reader *reader, yaml_node_t *node, const char *name,
                                  size_t *ret_size)
{
    const char *slash = strrchr(reader->path, '/');
    int folder = slash != NULL && name[0] != '/' ? (int)(slash - reader->path) + 1 : 0;
    char *path = mem_print("%.*s%s", folder, reader->path, name);
    char *data = file_read(path, FILE_LIMIT, ret_size);
    if (data == NULL) {
        reader_fail(reader, reader_get(reader, node, "file"), "%s: %s", path, strerror(errno));
    }
    free(path);
    return (unsigned char *)data;
}

/* Gives the content that one of text, base64, file, or size and seed says. */
static unsigned char *file_content(struct reader *reader, yaml_node_t *node, size_t *ret_size)
{
    const char *text = reader_text(reader, node, "text");
    const char *base64 = reader_text(reader, node, "base64");
    const char *name = reader_text(reader, node, "file");
    int64_t size = reader_number(reader, node, "size", -1);
    int64_t seed = reader_number(reader, node, "seed", 1);
    unsigned char *data = NULL;
    int sources = (text != NULL) + (base64 != NULL) + (name != NULL) + (size >= 0);
    if (sources != 1 || size > (int64_t)FILE_LIMIT) {
        reader_fail(reader, node, "a file takes one of text, base64, file, size (and seed)");
    } else if (text != NULL) {
        *ret_size = strlen(text);
        data = (unsigned char *)mem_text(text);
    } else if (base64 != NULL) {
        data = base64_decode(base64, ret_size);
        if (data == NULL) {
            reader_fail(reader, reader_get(reader, node, "base64"), "not base64");
        }
    } else if (name != NULL) {
        data = read_beside(reader, node, name, ret_size);
    } else {
        *ret_size = (size_t)size;
        data = generate_bytes((size_t)size, (uint64_t)seed);
    }
    return data;
}

static void add_files(struct reader *reader, yaml_node_t *node, struct vault *vault,
                      struct item *item, const char *path)
{
    yaml_node_t *list = reader_get(reader, node, "files");
    for (size_t i = 0; i < reader_count(reader, list) && !reader->failed; i++) {
        yaml_node_t *entry = reader_at(reader, list, i);
        reader_keys(reader, entry, "id name section text base64 file size seed raw");
        const char *name = reader_text(reader, entry, "name");
        if (name == NULL) {
            reader_fail(reader, entry, "a file needs a name");
            return;
        }
        char id[ID_SIZE] = "";
        size_t n = occurrence_of(reader, list, i, "name", name);
        char *whole = mem_print("%s/files", path);
        fixture_id(reader, entry, whole, name, n, id);
        free(whole);
        struct file file = {.id = mem_text(id), .name = mem_text(name)};
        file.data = file_content(reader, entry, &file.size);
        item_add_file(vault, item, file);
        cJSON *files = cJSON_GetObjectItemCaseSensitive(item->doc, "files");
        cJSON *member = cJSON_GetArrayItem(files, cJSON_GetArraySize(files) - 1);
        add_section_reference(reader, entry, item->doc, member);
        reader_merge(reader, reader_get(reader, entry, "raw"), member);
    }
}

static cJSON *make_document(struct reader *reader, yaml_node_t *node, const char *path)
{
    cJSON *doc = cJSON_CreateObject();
    cJSON_AddNullToObject(doc, "id");
    copy_text(reader, node, doc, "title");
    cJSON_AddNumberToObject(doc, "version", (double)reader_number(reader, node, "version", 1));
    cJSON_AddNullToObject(doc, "vault");
    const char *category = reader_text(reader, node, "category");
    cJSON_AddStringToObject(doc, "category", category != NULL ? category : "LOGIN");
    copy_text(reader, node, doc, "state");
    copy_bool(reader, node, doc, "favorite");
    add_tags(reader, node, doc);
    add_urls(reader, node, doc);
    add_sections(reader, node, doc, path);
    add_fields(reader, node, doc, path);
    return doc;
}

void fixture_add_item(struct reader *reader, yaml_node_t *node, struct vault *vault)
{
    reader_keys(reader, node,
                "id title category tags state version favorite urls sections fields files raw");
    const char *title = reader_text(reader, node, "title");
    if (title == NULL) {
        reader_fail(reader, node, "an item needs a title");
        return;
    }
    size_t occurrence = 0;
    for (size_t i = 0; i < vault->n_items; i++) {
        const char *other = members_text(vault->items[i]->doc, "title");
        occurrence += other != NULL && strcmp(other, title) == 0;
    }
    char id[ID_SIZE] = "";
    fixture_id(reader, node, vault->id, title, occurrence, id);
    if (vault_item(vault, id) != NULL) {
        reader_fail(reader, node, "item ID \"%s\" a second time", id);
        return;
    }
    char *path = mem_print("%s/%s", vault->id, id);
    struct item *item = vault_add_item(vault, id, make_document(reader, node, path));
    add_files(reader, node, vault, item, path);
    reader_merge(reader, reader_get(reader, node, "raw"), item->doc);
    free(path);
}
