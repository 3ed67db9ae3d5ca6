#include "config/path.h"

#include <stdlib.h>
#include <string.h>

static bool check_component(struct str name, struct error *err)
{
    if (str_is(name, ".") || str_is(name, "..")) {
        return error_set(err, ERROR_TEMPLATE, "\"%.*s\" is not allowed in a path", (int)name.size,
                         name.bytes);
    }
    if (str_starts(name, "..")) {
        return error_set(err, ERROR_TEMPLATE,
                         "names that begin with \"..\" belong to connect-agent itself");
    }
    if (name.size > LIMIT_NAME) {
        return error_set(err, ERROR_TEMPLATE, "a name in the path is longer than %d bytes",
                         LIMIT_NAME);
    }
    for (size_t i = 0; i < name.size; i++) {
        if ((unsigned char)name.bytes[i] < ' ' || name.bytes[i] == 0x7f) {
            return error_set(err, ERROR_TEMPLATE, "a control character in the path");
        }
    }
    return true;
}

/* Joins the components that are not empty, each after a `/`. */
static bool normalize(struct str text, char **ret_path, struct error *err)
{
    size_t depth = 0;
    char *path = malloc(text.size + 2);
    char *end = path;
    if (!path) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    for (size_t at = 0; at < text.size;) {
        size_t slash = str_find(text, at, "/");
        struct str name = str_slice(text, at, slash);
        at = slash + 1;
        if (name.size == 0) {
            continue;
        }
        if (!check_component(name, err) || ++depth > LIMIT_PATH_DEPTH) {
            free(path);
            return depth <= LIMIT_PATH_DEPTH
                       ? false
                       : error_set(err, ERROR_TEMPLATE, "more than %d directories deep",
                                   LIMIT_PATH_DEPTH);
        }
        *end++ = '/';
        memcpy(end, name.bytes, name.size);
        end += name.size;
    }
    *end = '\0';
    *ret_path = path;
    return true;
}

bool path_normalize_directory(struct str text, char **ret_path, struct error *err)
{
    char *path;
    if (!str_starts(text, "/")) {
        return error_set(err, ERROR_TEMPLATE,
                         "the directory must be an absolute path such as /run/secrets/app");
    }
    if (!normalize(text, &path, err)) {
        return false;
    }
    if (path[0] == '\0') {
        free(path);
        return error_set(err, ERROR_TEMPLATE, "the root directory cannot be an output");
    }
    free(*ret_path);
    *ret_path = path;
    return true;
}

bool path_normalize_file(struct str text, char **ret_path, struct error *err)
{
    char *path;
    if (str_starts(text, "/")) {
        return error_set(err, ERROR_TEMPLATE,
                         "the path must be relative: it is below the output's directory");
    }
    if (text.size > 0 && text.bytes[text.size - 1] == '/') {
        return error_set(err, ERROR_TEMPLATE, "the path names a directory, not a file");
    }
    if (!normalize(text, &path, err)) {
        return false;
    }
    if (path[0] == '\0') {
        free(path);
        return error_set(err, ERROR_TEMPLATE, "the path is empty");
    }
    memmove(path, path + 1, strlen(path)); /* the leading slash */
    free(*ret_path);
    *ret_path = path;
    return true;
}

/* As strcmp, with `/` before every other character. */
static int compare_paths(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    int left = *a == '/' ? 1 : (unsigned char)*a + (*a != '\0');
    int right = *b == '/' ? 1 : (unsigned char)*b + (*b != '\0');
    return (left > right) - (left < right);
}

static int compare_claims(const void *a, const void *b)
{
    const struct path_claim *left = a;
    const struct path_claim *right = b;
    int order = compare_paths(left->path, right->path);
    return order ? order : (left->order > right->order) - (left->order < right->order);
}

void path_sort(struct path_claim claims[], size_t count)
{
    if (count > 1) {
        qsort(claims, count, sizeof(*claims), compare_claims);
    }
}

bool path_overlaps(const char *a, const char *b)
{
    size_t size_a = strlen(a);
    size_t size_b = strlen(b);
    const char *shorter = size_a < size_b ? a : b;
    const char *longer = size_a < size_b ? b : a;
    size_t size = size_a < size_b ? size_a : size_b;
    return strncmp(shorter, longer, size) == 0 && (longer[size] == '\0' || longer[size] == '/');
}
