#include "config/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/parse.h"
#include "config/locate.h"

enum { KEYS_MOST = 32 };

bool decode_fail_kind(struct decoder *decoder, const struct yaml_node *node, const char *expected)
{
    return node->kind != YAML_BROKEN &&
           decode_fail(decoder, node, "expected %s, found %s", expected, yaml_describe(node));
}

bool decode_fail_memory(struct decoder *decoder, const struct yaml_node *node)
{
    return findings_format(decoder->findings, node->place, ERROR_MEMORY, "out of memory");
}

bool decode_fail_key(struct decoder *decoder, const struct yaml_node *key, const char *message)
{
    bool refers = str_find(key->text, 0, "op://") < key->text.size ||
                  str_find(key->text, 0, "{{") < key->text.size;
    return decode_fail(decoder, key, "%s",
                       refers ? "a reference cannot stand in a key, only in a value" : message);
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
    char message[LIMIT_MESSAGE];
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(list);
        names[i] = keys[i].name;
        snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", keys[i].name);
    }
    const char *nearest = str_suggest(key->text, names, count);
    int size = (int)(key->text.size < 64 ? key->text.size : 64);
    snprintf(message, sizeof(message), "unknown key \"%.*s\" in %s; %s%s%s", size, key->text.bytes,
             what, nearest ? "did you mean \"" : "known: ", nearest ? nearest : list,
             nearest ? "\"?" : "");
    return decode_fail_key(decoder, key, message);
}

static bool check_keys(struct decoder *decoder, const struct yaml_node *node, const char *what,
                       const struct key keys[], size_t count)
{
    bool ok = true;
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        if (child->kind == YAML_BROKEN) {
            ok = false;
            continue;
        }
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
        return decode_fail_kind(decoder, node, what);
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
        decode_fail_kind(decoder, node, expected);
        return false;
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
        return decode_fail_memory(decoder, node);
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

bool decode_text(struct decoder *decoder, const struct yaml_node *node, enum text_rule rule,
                 struct text *ret_text)
{
    struct str source;
    struct error error;
    struct place place;
    struct locator locator;
    struct text text;
    const char *expected = yaml_is_null(node) ? "a string, such as \"\"" : "a string";
    if (!decode_scalar(decoder, node, expected, &source)) {
        return false;
    }
    if (!text_parse(source, rule, &decoder->template->references, locate_scalar(&locator, node),
                    &text, &place, &error)) {
        return findings_add(decoder->findings, place, &error);
    }
    text_done(ret_text);
    *ret_text = text;
    return true;
}

bool decode_list(struct decoder *decoder, const struct yaml_node *node, const char *expected,
                 size_t size, bool (*each)(struct decoder *, const struct yaml_node *, void *),
                 void **ret_list, size_t *ret_count)
{
    if (node->kind != YAML_SEQUENCE) {
        return decode_fail_kind(decoder, node, expected);
    }
    if (node->count == 0) {
        return decode_fail(decoder, node, "expected %s, found an empty one", expected);
    }
    char *list = calloc(node->count, size);
    if (!list) {
        return decode_fail_memory(decoder, node);
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
