#include "publish/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

static int compare(struct str a, const char *b)
{
    size_t size = strlen(b);
    size_t shorter = a.size < size ? a.size : size;
    int order = shorter > 0 ? memcmp(a.bytes, b, shorter) : 0;
    return order != 0 ? order : (a.size > size) - (a.size < size);
}

/* Where `name` is, or where it belongs. */
static size_t find(const struct names *names, struct str name, bool *ret_found)
{
    size_t from = 0;
    size_t to = names->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = compare(name, names->list[middle]);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        from = order > 0 ? middle + 1 : from;
        to = order > 0 ? to : middle;
    }
    *ret_found = false;
    return from;
}

static bool grow(struct names *names)
{
    if (names->count < names->capacity) {
        return true;
    }
    size_t capacity = names->capacity ? 2 * names->capacity : FIRST_CAPACITY;
    char **list = reallocarray(names->list, capacity, sizeof(*list));
    if (!list) {
        return false;
    }
    names->list = list;
    names->capacity = capacity;
    return true;
}

void names_done(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->list[i]);
    }
    free(names->list);
    *names = (struct names){0};
}

bool names_add(struct names *names, struct str name, struct error *err)
{
    bool found;
    char *copy;
    size_t at = find(names, name, &found);
    if (found) {
        return true;
    }
    if (!grow(names) || asprintf(&copy, "%.*s", (int)name.size, name.bytes) < 0) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    memmove(names->list + at + 1, names->list + at, (names->count - at) * sizeof(*names->list));
    names->list[at] = copy;
    names->count++;
    return true;
}

bool names_add_parents(struct names *names, const char *path, struct error *err)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        if (!names_add(names, (struct str){path, (size_t)(slash - path)}, err)) {
            return false;
        }
    }
    return true;
}

void names_remove(struct names *names, struct str name)
{
    bool found;
    size_t at = find(names, name, &found);
    if (!found) {
        return;
    }
    free(names->list[at]);
    names->count--;
    memmove(names->list + at, names->list + at + 1, (names->count - at) * sizeof(*names->list));
}

bool names_has(const struct names *names, struct str name)
{
    bool found;
    (void)find(names, name, &found);
    return found;
}

bool names_equal(const struct names *a, const struct names *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->list[i], b->list[i]) != 0) {
            return false;
        }
    }
    return true;
}
