#include "model/reference.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEME = sizeof("op://") - 1, PARTS_MOST = 4, ID_SIZE = 26 };

static const struct {
    const char *name;
    enum reference_attribute attribute;
} attributes[] = {
    {"value", ATTRIBUTE_VALUE}, {"type", ATTRIBUTE_TYPE},       {"id", ATTRIBUTE_ID},
    {"otp", ATTRIBUTE_OTP},     {"purpose", ATTRIBUTE_PURPOSE}, {"content", ATTRIBUTE_CONTENT},
    {"totp", ATTRIBUTE_OTP},    {"size", ATTRIBUTE_SIZE},       {"name", ATTRIBUTE_NAME},
};

bool reference_is_part_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ' ';
}

bool reference_is_id(struct str part)
{
    for (size_t i = 0; i < part.size; i++) {
        char c = part.bytes[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) {
            return false;
        }
    }
    return part.size == ID_SIZE;
}

static bool parse_query(struct str text, size_t at, enum reference_attribute *ret_attribute,
                        size_t *ret_at, struct error *err)
{
    struct str query = str_slice(text, at, text.size);
    size_t equals = str_find(query, 0, "=");
    struct str key = str_slice(query, 0, equals);
    struct str value = str_slice(query, equals + 1, query.size);
    *ret_at = at;
    if (str_is(key, "ssh-format")) {
        *ret_at = at + equals + (equals < query.size);
        *ret_attribute = ATTRIBUTE_OPENSSH;
        return str_is(value, "openssh") ||
               error_set(err, ERROR_TEMPLATE, "unknown SSH format; known: ssh-format=openssh");
    }
    if (!str_is(key, "attribute") && !str_is(key, "attr")) {
        return error_set(err, ERROR_TEMPLATE,
                         "unknown query \"%.*s\" in the reference; known: attribute=, attr=, "
                         "ssh-format=",
                         (int)key.size, key.bytes);
    }
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        if (str_is(value, attributes[i].name)) {
            *ret_attribute = attributes[i].attribute;
            return true;
        }
    }
    *ret_at = at + equals + (equals < query.size);
    return error_set(
        err, ERROR_TEMPLATE,
        "unknown attribute \"%.*s\"; known: value, type, id, purpose, otp for a field, "
        "content, type, size, id, name for a file",
        (int)value.size, value.bytes);
}

/* Splits at '/'; every part is checked for the characters it may hold. */
static bool split(struct str path, size_t offset, struct str parts[PARTS_MOST], size_t *ret_count,
                  size_t *ret_at, struct error *err)
{
    size_t count = 0;
    for (size_t at = 0; at <= path.size;) {
        size_t end = str_find(path, at, "/");
        *ret_at = offset + at;
        if (count == PARTS_MOST) {
            return error_set(err, ERROR_TEMPLATE,
                             "too many parts in the reference; it is "
                             "op://vault/item/[section/]field");
        }
        struct str part = str_slice(path, at, end);
        if (str_trim(part).size == 0) {
            return error_set(err, ERROR_TEMPLATE, "empty part in the reference");
        }
        for (size_t i = 0; i < part.size; i++) {
            *ret_at = offset + at + i;
            if (!reference_is_part_character(part.bytes[i])) {
                char shown[8];
                str_print(str_slice(part, i, part.size), shown, sizeof(shown));
                return error_set(err, ERROR_TEMPLATE,
                                 "character not allowed in a reference, at \"%s\"; use letters, "
                                 "digits, - _ . and space, or the ID instead of the name",
                                 shown);
            }
        }
        parts[count++] = part;
        at = end + 1;
    }
    *ret_count = count;
    return true;
}

static bool take_apart(struct reference *reference, size_t *ret_at, struct error *err)
{
    struct str text = str_from(reference->text);
    struct str parts[PARTS_MOST];
    size_t count = 0;
    size_t query = str_find(text, 0, "?");
    *ret_at = 0;
    if (!str_starts(text, "op://")) {
        return error_set(err, ERROR_TEMPLATE, "a reference begins with op://");
    }
    if (!split(str_slice(text, SCHEME, query), SCHEME, parts, &count, ret_at, err)) {
        return false;
    }
    if (count < 3) {
        *ret_at = query;
        return error_set(err, ERROR_TEMPLATE,
                         "the reference names %s; it is op://vault/item/[section/]field",
                         count == 1 ? "only a vault" : "no field");
    }
    reference->vault = parts[0];
    reference->item = parts[1];
    reference->section = count == 4 ? parts[2] : (struct str){0};
    reference->field = parts[count - 1];
    return query == text.size || parse_query(text, query + 1, &reference->attribute, ret_at, err);
}

bool reference_parse(struct str text, struct reference *ret_reference, size_t *ret_at,
                     struct error *err)
{
    *ret_at = 0;
    if (text.size > LIMIT_REFERENCE) {
        return error_set(err, ERROR_TEMPLATE, "reference longer than %d bytes", LIMIT_REFERENCE);
    }
    if (text.size > 0 && memchr(text.bytes, '\0', text.size)) {
        return error_set(err, ERROR_TEMPLATE, "NUL in a reference");
    }
    struct reference reference = {.text = strndup(text.size ? text.bytes : "", text.size)};
    if (!reference.text) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!take_apart(&reference, ret_at, err)) {
        free(reference.text);
        return false;
    }
    *ret_reference = reference;
    return true;
}

void reference_done(struct reference *reference)
{
    free(reference->text);
    reference->text = NULL;
}

int reference_compare(const struct reference *a, const struct reference *b)
{
    const struct str left[] = {a->vault, a->item, a->section, a->field};
    const struct str right[] = {b->vault, b->item, b->section, b->field};
    for (size_t i = 0; i < PARTS_MOST; i++) {
        int order = str_compare_nocase(left[i], right[i]);
        if (order != 0) {
            return order;
        }
    }
    return (a->attribute > b->attribute) - (a->attribute < b->attribute);
}

/* Nodes of the tree: the reference and its index. */
struct interned {
    struct reference reference; /* first, so that the list can point at it */
    size_t index;
};

static int compare_interned(const void *a, const void *b)
{
    return reference_compare(a, b);
}

void references_init(struct references *references)
{
    *references = (struct references){0};
}

static void keep_node(void *node)
{
    (void)node;
}

void references_done(struct references *references)
{
    tdestroy(references->tree, keep_node);
    for (size_t i = 0; i < references->count; i++) {
        reference_done(references->list[i]);
        free(references->list[i]);
    }
    free(references->list);
    references_init(references);
}

static bool grow(struct references *references, struct error *err)
{
    if (references->count < references->capacity) {
        return true;
    }
    size_t capacity = references->capacity ? references->capacity * 2 : 16;
    struct reference **list = reallocarray(references->list, capacity, sizeof(struct reference *));
    if (!list) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    references->list = list;
    references->capacity = capacity;
    return true;
}

static bool insert(struct references *references, struct interned *entry, size_t *ret_index,
                   struct error *err)
{
    struct interned **node = tsearch(entry, &references->tree, compare_interned);
    if (!node) {
        reference_done(&entry->reference);
        free(entry);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *ret_index = (*node)->index;
    if (*node != entry) {
        reference_done(&entry->reference);
        free(entry);
        return true;
    }
    references->list[references->count++] = &entry->reference;
    return true;
}

bool references_intern(struct references *references, struct str text, struct place place,
                       size_t *ret_index, size_t *ret_at, struct error *err)
{
    struct reference reference = {0};
    if (!reference_parse(text, &reference, ret_at, err)) {
        return false;
    }
    struct interned *entry = calloc(1, sizeof(*entry));
    if (!entry || !grow(references, err)) {
        free(entry);
        reference_done(&reference);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    entry->reference = reference;
    entry->reference.place = place;
    entry->index = references->count;
    return insert(references, entry, ret_index, err);
}
