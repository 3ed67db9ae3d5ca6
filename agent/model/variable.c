#include "model/variable.h"

#include <string.h>

enum { OPEN = sizeof("${") - 1, NAME_SHOWN = 64 };

static size_t name_size(struct str source, size_t at)
{
    size_t end = at;
    for (; end < source.size; end++) {
        char c = source.bytes[end];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(end > at && c >= '0' && c <= '9')) {
            break;
        }
    }
    return end - at;
}

static size_t skip_blanks(struct str source, size_t at)
{
    while (at < source.size && source.bytes[at] == ' ') {
        at++;
    }
    return at;
}

/* ${ NAME :- default }: blanks around the name do not count. False when it is no variable. */
static bool take_apart(struct str text, struct str *ret_name, struct str *ret_default,
                       bool *ret_has_default)
{
    size_t from = skip_blanks(text, OPEN);
    size_t name = name_size(text, from);
    size_t after = skip_blanks(text, from + name);
    struct str rest = str_slice(text, after, text.size - 1);
    *ret_name = str_slice(text, from, from + name);
    *ret_has_default = str_starts(rest, ":-");
    *ret_default = str_slice(rest, 2, rest.size);
    return name > 0 && (rest.size == 0 || *ret_has_default);
}

size_t variable_size(struct str source, size_t at)
{
    struct str rest = str_slice(source, at, source.size);
    struct str name, fallback;
    bool has_fallback;
    if (!str_starts(rest, "${")) {
        size_t size = str_starts(rest, "$") ? name_size(rest, 1) : 0;
        return size > 0 ? size + 1 : 0;
    }
    size_t end = str_find(rest, 0, "}");
    if (end == rest.size ||
        !take_apart(str_slice(rest, 0, end + 1), &name, &fallback, &has_fallback)) {
        return 0;
    }
    return end + 1;
}

/* The value of the entry if it is named so; null otherwise. */
static const char *value_of(const char *entry, struct str name, bool exact)
{
    const char *equals = strchr(entry, '=');
    struct str found = {entry, equals ? (size_t)(equals - entry) : 0};
    bool same = exact ? str_equal(found, name) : str_equal_nocase(found, name);
    return equals && same ? equals + 1 : NULL;
}

/* *ret_value is null when there is none. */
static bool look_up(struct str name, char *const environment[], const char **ret_value,
                    struct error *err)
{
    *ret_value = NULL;
    for (size_t i = 0; environment && environment[i]; i++) {
        const char *value = value_of(environment[i], name, true);
        if (value) {
            *ret_value = value;
            return true;
        }
    }
    for (size_t i = 0; environment && environment[i]; i++) {
        const char *value = value_of(environment[i], name, false);
        if (value && *ret_value && strcmp(value, *ret_value) != 0) {
            return error_set(err, ERROR_TEMPLATE,
                             "variable %.*s is ambiguous: the environment has it in several "
                             "spellings, and they differ; write one of them",
                             (int)name.size, name.bytes);
        }
        *ret_value = value ? value : *ret_value;
    }
    return true;
}

bool variable_find(struct str text, char *const environment[], struct str *ret_value,
                   struct error *err)
{
    struct str name = str_slice(text, 1, text.size);
    struct str fallback = {0};
    bool has_fallback = false;
    const char *value;
    if (str_starts(text, "${")) {
        take_apart(text, &name, &fallback, &has_fallback);
    }
    if (name.size > NAME_SHOWN) {
        return error_set(err, ERROR_TEMPLATE, "the name of a variable has more than %d characters",
                         NAME_SHOWN);
    }
    if (!look_up(name, environment, &value, err)) {
        return false;
    }
    if (!value && !has_fallback) {
        return error_set(err, ERROR_TEMPLATE,
                         "variable %.*s is not set; set it, or write ${%.*s:-default}",
                         (int)name.size, name.bytes, (int)name.size, name.bytes);
    }
    *ret_value = value ? str_from(value) : fallback;
    return true;
}
