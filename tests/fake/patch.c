#include "base.h"
#include "item.h"
#include "members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Undoes ~1 and ~0 of a JSON Pointer (RFC 6901) in place. */
static void unescape(char *token)
{
    char *out = token;
    for (const char *in = token; *in != '\0'; in++) {
        if (in[0] == '~' && (in[1] == '0' || in[1] == '1')) {
            in++;
            *out++ = *in == '1' ? '/' : '~';
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
}

/* The index that the token is, or -1. */
static int read_index(const char *token)
{
    size_t n = strlen(token);
    bool right = n > 0 && n < 8 && strspn(token, "0123456789") == n;
    return right ? (int)strtol(token, NULL, 10) : -1;
}

/* Borrowed: the element with the id, or at the index; NULL if there is none. */
static cJSON *find_element(cJSON *array, const char *token)
{
    cJSON *element = NULL;
    cJSON_ArrayForEach(element, array)
    {
        const char *id = members_text(element, "id");
        if (id != NULL && strcmp(id, token) == 0) {
            return element;
        }
    }
    int index = read_index(token);
    return index >= 0 ? cJSON_GetArrayItem(array, index) : NULL;
}

static cJSON *find_child(cJSON *parent, const char *token)
{
    if (cJSON_IsArray(parent)) {
        return find_element(parent, token);
    }
    return cJSON_IsObject(parent) ? cJSON_GetObjectItemCaseSensitive(parent, token) : NULL;
}

/* Takes the value. An element that is replaced leaves its id to one that has none. */
static void put_child(cJSON *parent, const char *token, cJSON *child, cJSON *value)
{
    const char *id = members_text(child, "id");
    if (cJSON_IsObject(parent)) {
        members_set(parent, token, value);
    } else if (child == NULL) {
        cJSON_AddItemToArray(parent, value);
    } else {
        if (id != NULL && cJSON_IsObject(value) && members_text(value, "id") == NULL) {
            members_set_text(value, "id", id);
        }
        cJSON_ReplaceItemViaPointer(parent, child, value);
    }
}

static bool is_list_name(const char *name)
{
    static const char *const names[] = {"fields", "sections", "tags", "urls"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes the value. "add" to an array, by index, id or "-": before an element without an id it
 * inserts, one with an id it replaces, and an object with a new id it appends. */
static int add_element(cJSON *array, const char *token, cJSON *element, cJSON *value)
{
    bool appends = element == NULL && strcmp(token, "-") == 0;
    if (element != NULL && members_text(element, "id") == NULL) {
        cJSON_InsertItemInArray(array, read_index(token), value);
        return 0;
    }
    if (element == NULL && !appends && !cJSON_IsObject(value)) {
        cJSON_Delete(value);
        return -1;
    }
    if (element == NULL && !appends && members_text(value, "id") == NULL) {
        members_set_text(value, "id", token);
    }
    put_child(array, token, element, value);
    return 0;
}

/* Takes the value. "add" as Connect has it: to a list, also one that is not there yet, it appends.
 * Returns 0, or -1. */
static int add_child(cJSON *parent, const char *token, cJSON *child, cJSON *value)
{
    if (cJSON_IsArray(parent)) {
        return add_element(parent, token, child, value);
    }
    bool is_list = child == NULL || cJSON_IsArray(child);
    if (is_list && is_list_name(token) && !cJSON_IsArray(value)) {
        child = child != NULL ? child : cJSON_AddArrayToObject(parent, token);
        cJSON_AddItemToArray(child, value);
    } else {
        put_child(parent, token, child, value);
    }
    return 0;
}

/* A member that is absent, and so has its default, can be replaced. */
static int apply_at(cJSON *parent, const char *token, const char *op, const cJSON *value)
{
    cJSON *child = find_child(parent, token);
    if (strcmp(op, "add") == 0) {
        return add_child(parent, token, child, cJSON_Duplicate(value, true));
    }
    bool replaces = strcmp(op, "replace") == 0;
    if (child == NULL && !(replaces && cJSON_IsObject(parent))) {
        return -1;
    }
    if (replaces) {
        put_child(parent, token, child, cJSON_Duplicate(value, true));
    } else {
        cJSON_Delete(cJSON_DetachItemViaPointer(parent, child));
    }
    return 0;
}

/* Returns 0, or -1 if the path leads nowhere. */
static int apply_path(cJSON *doc, const char *path, const char *op, const cJSON *value)
{
    char *copy = mem_text(path + 1);
    char *rest = copy;
    cJSON *parent = doc;
    int result = -1;
    while (parent != NULL && rest != NULL) {
        char *token = strsep(&rest, "/");
        unescape(token);
        if (rest != NULL) {
            parent = find_child(parent, token);
        } else if (cJSON_IsObject(parent) || cJSON_IsArray(parent)) {
            result = apply_at(parent, token, op, value);
        }
    }
    free(copy);
    return result;
}

static int apply(cJSON **doc, const cJSON *operation, char error[ITEM_ERROR_SIZE])
{
    const char *op = members_text(operation, "op");
    const char *path = members_text(operation, "path");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(operation, "value");
    bool known = op != NULL && (strcmp(op, "add") == 0 || strcmp(op, "remove") == 0 ||
                                strcmp(op, "replace") == 0);
    if (!known || path == NULL || (strcmp(op, "remove") != 0 && value == NULL)) {
        snprintf(error, ITEM_ERROR_SIZE, "Invalid patch operation");
        return -1;
    }
    bool whole = strcmp(path, "") == 0 || strcmp(path, "/") == 0;
    if (whole && strcmp(op, "remove") != 0 && cJSON_IsObject(value)) {
        cJSON_Delete(*doc);
        *doc = item_writable(value);
        return 0;
    }
    if (whole || path[0] != '/' || apply_path(*doc, path, op, value) < 0) {
        snprintf(error, ITEM_ERROR_SIZE, "Invalid patch path %.100s", path);
        return -1;
    }
    return 0;
}

int item_patch(cJSON **doc, const cJSON *patch, char error[ITEM_ERROR_SIZE])
{
    const cJSON *operation = NULL;
    if (!cJSON_IsArray(patch)) {
        snprintf(error, ITEM_ERROR_SIZE, "Invalid patch");
        return -1;
    }
    cJSON_ArrayForEach(operation, patch)
    {
        if (apply(doc, operation, error) < 0) {
            return -1;
        }
    }
    return 0;
}
