#include "config/decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/parse.h"

enum { KEYS_MOST = 32 };

bool decode_fail(struct decoder *decoder, const struct yaml_node *node, const char *format, ...)
{
    char text[LIMIT_MESSAGE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return findings_format(decoder->findings, node->place, ERROR_TEMPLATE, "%s", text);
}

static const struct key *find_key(const struct key keys[], size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is(name, keys[i].name)) {
            return &keys[i];
        }
    }
    return NULL;
}

static bool fail_unknown(struct decoder *decoder, const struct yaml_node *key, const char *what,
                         const struct key keys[], size_t count)
{
    const char *names[KEYS_MOST];
    char list[LIMIT_MESSAGE / 2] = "";
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(list);
        names[i] = keys[i].name;
        snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", keys[i].name);
    }
    const char *nearest = str_suggest(key->text, names, count);
    int size = (int)(key->text.size < 64 ? key->text.size : 64);
    if (nearest) {
        return decode_fail(decoder, key, "unknown key \"%.*s\" in %s; did you mean \"%s\"?", size,
                           key->text.bytes, what, nearest);
    }
    return decode_fail(decoder, key, "unknown key \"%.*s\" in %s; known: %s", size, key->text.bytes,
                       what, list);
}

static bool check_keys(struct decoder *decoder, const struct yaml_node *node, const char *what,
                       const struct key keys[], size_t count)
{
    bool ok = true;
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        const struct key *key = find_key(keys, count, child->key->text);
        if (!key) {
            ok = fail_unknown(decoder, child->key, what, keys, count);
        } else if (key->rule == KEY_LATER) {
            ok = decode_fail(decoder, child->key,
                             "\"%s\" is not supported by this version of connect-agent", key->name);
        }
    }
    return ok;
}

bool decode_mapping(struct decoder *decoder, const struct yaml_node *node, const char *what,
                    const struct key keys[], size_t count, void *into)
{
    if (node->kind != YAML_MAPPING) {
        return decode_fail(decoder, node, "expected %s (keys and values), found %s", what,
                           yaml_describe(node));
    }
    bool ok = check_keys(decoder, node, what, keys, count);
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *child = yaml_get(node, keys[i].name);
        if (!child && keys[i].rule == KEY_REQUIRED) {
            ok = decode_fail(decoder, node, "%s needs the key \"%s\"", what, keys[i].name);
        } else if (child && keys[i].decode && keys[i].rule != KEY_LATER) {
            ok = keys[i].decode(decoder, child, into) && ok;
        }
    }
    return ok;
}

bool decode_scalar(struct decoder *decoder, const struct yaml_node *node, const char *expected,
                   struct str *ret_text)
{
    if (node->kind != YAML_SCALAR || yaml_is_null(node)) {
        return decode_fail(decoder, node, "expected %s, found %s", expected, yaml_describe(node));
    }
    if (memchr(node->text.bytes, '\0', node->text.size)) {
        return decode_fail(decoder, node, "NUL in %s", expected);
    }
    *ret_text = node->text;
    return true;
}

bool decode_string(struct decoder *decoder, const struct yaml_node *node, const char *expected,
                   char **ret_string)
{
    struct str text;
    if (!decode_scalar(decoder, node, expected, &text)) {
        return false;
    }
    char *copy = strndup(text.bytes, text.size);
    if (!copy) {
        return decode_fail(decoder, node, "out of memory");
    }
    free(*ret_string);
    *ret_string = copy;
    return true;
}

bool decode_boolean(struct decoder *decoder, const struct yaml_node *node, bool *ret_boolean)
{
    struct str text;
    return decode_scalar(decoder, node, "true or false", &text) &&
           (parse_boolean(text, ret_boolean) ||
            decode_fail(decoder, node, "expected true or false, found \"%.64s\"", text.bytes));
}

bool decode_mode(struct decoder *decoder, const struct yaml_node *node, mode_t *ret_mode)
{
    struct str text;
    mode_t mode;
    if (!decode_scalar(decoder, node, "an octal mode such as 0400", &text)) {
        return false;
    }
    if (!parse_mode(text, &mode)) {
        return decode_fail(decoder, node, "\"%.64s\" is not an octal mode such as 0400",
                           text.bytes);
    }
    if (mode & S_IWOTH) {
        return decode_fail(decoder, node, "mode %04o lets others write; take away the last 2",
                           mode);
    }
    if (mode & (S_ISUID | S_ISGID | S_ISVTX)) {
        return decode_fail(decoder, node,
                           "mode %04o has setuid, setgid or sticky; use at most 0775", mode);
    }
    *ret_mode = mode;
    return true;
}

bool decode_owner(struct decoder *decoder, const struct yaml_node *node, uid_t *ret_uid,
                  gid_t *ret_gid)
{
    struct str text;
    return decode_scalar(decoder, node, "an owner such as 1000:1000", &text) &&
           (parse_owner(text, ret_uid, ret_gid) ||
            decode_fail(decoder, node,
                        "\"%.64s\" is not a numeric owner such as 1000:1000; names mean nothing "
                        "in another container",
                        text.bytes));
}

bool decode_text(struct decoder *decoder, const struct yaml_node *node, struct text *ret_text)
{
    struct str source;
    struct error error;
    size_t at;
    struct text text;
    enum text_rule rule = node->style == YAML_BLOCK ? TEXT_SPANS : TEXT_WHOLE;
    if (!decode_scalar(decoder, node, "a string", &source)) {
        return false;
    }
    if (!text_parse(source, rule, &decoder->template->references, node->place, &text, &at,
                    &error)) {
        return findings_add(decoder->findings, yaml_place_in(node, decoder->source, at), &error);
    }
    text_done(ret_text);
    *ret_text = text;
    return true;
}

bool decode_list(struct decoder *decoder, const struct yaml_node *node, const char *expected,
                 size_t size, bool (*each)(struct decoder *, const struct yaml_node *, void *),
                 void **ret_list, size_t *ret_count)
{
    if (node->kind != YAML_SEQUENCE || node->count == 0) {
        return decode_fail(decoder, node, "expected %s, found %s", expected,
                           node->kind == YAML_SEQUENCE ? "an empty list" : yaml_describe(node));
    }
    char *list = calloc(node->count, size);
    if (!list) {
        return decode_fail(decoder, node, "out of memory");
    }
    *ret_list = list;
    *ret_count = node->count;
    bool ok = true;
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        ok = each(decoder, child, list) && ok;
        list += size;
    }
    return ok;
}
