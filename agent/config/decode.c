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

bool decode_fail_at(struct decoder *decoder, const struct yaml_node *node, size_t at,
                    const char *message)
{
    struct locator locator;
    struct text_origin origin = locate_scalar(&locator, node);
    return findings_format(decoder->findings, origin.locate(origin.context, at), ERROR_TEMPLATE,
                           "%s", message);
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

static const struct key *find_key(const struct shape *shape, struct str name)
{
    for (size_t i = 0; i < shape->keys_count; i++) {
        if (str_is(name, shape->keys[i].name)) {
            return &shape->keys[i];
        }
    }
    return NULL;
}

static bool fail_unknown(struct decoder *decoder, const struct yaml_node *key,
                         const struct shape *shape)
{
    const char *names[KEYS_MOST];
    char list[LIMIT_MESSAGE / 2] = "";
    char message[LIMIT_MESSAGE];
    for (size_t i = 0; i < shape->keys_count; i++) {
        size_t used = strlen(list);
        names[i] = shape->keys[i].name;
        snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", names[i]);
    }
    const char *nearest = str_suggest(key->text, names, shape->keys_count);
    int size = (int)(key->text.size < 64 ? key->text.size : 64);
    snprintf(message, sizeof(message), "unknown key \"%.*s\" in %s; %s%s%s", size, key->text.bytes,
             shape->expected, nearest ? "did you mean \"" : "known: ", nearest ? nearest : list,
             nearest ? "\"?" : "");
    return decode_fail_key(decoder, key, message);
}

static bool check_keys(struct decoder *decoder, const struct yaml_node *node,
                       const struct shape *shape)
{
    bool ok = true;
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        if (child->kind == YAML_BROKEN) {
            ok = false;
            continue;
        }
        if (!find_key(shape, child->key->text)) {
            ok = fail_unknown(decoder, child->key, shape);
        }
    }
    return ok;
}

/* The key of the rule's first that is there, from the `from`th on; null when none is. */
static const struct yaml_node *next_of(const struct yaml_node *node, const struct shape_rule *rule,
                                       size_t *from)
{
    while (*from < SHAPE_RULE_KEYS && rule->keys[*from]) {
        const struct yaml_node *child = yaml_get(node, rule->keys[(*from)++]);
        if (child) {
            return child->key;
        }
    }
    return NULL;
}

static bool fail_none(struct decoder *decoder, const struct yaml_node *node,
                      const struct shape_rule *rule, const struct shape *shape)
{
    char list[LIMIT_MESSAGE / 2] = "";
    for (size_t i = 0; i < SHAPE_RULE_KEYS && rule->keys[i]; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", rule->keys[i]);
    }
    return decode_fail(decoder, node, "%s needs one of %s", shape->expected, list);
}

static bool check_rule(struct decoder *decoder, const struct yaml_node *node,
                       const struct shape_rule *rule, const struct shape *shape)
{
    size_t at = 0;
    const struct yaml_node *first = next_of(node, rule, &at);
    const struct yaml_node *second = next_of(node, rule, &at);
    if (rule->kind == RULE_NEEDS) {
        bool has_key = first && str_is(first->text, rule->keys[0]);
        return !has_key || second || decode_fail(decoder, first, "%s", rule->message);
    }
    if ((rule->kind == RULE_ONE_OF || rule->kind == RULE_ANY_OF) && !first) {
        return fail_none(decoder, node, rule, shape);
    }
    if (!second || rule->kind == RULE_ANY_OF) {
        return true;
    }
    if (rule->kind == RULE_NOT_BOTH) {
        return decode_fail(decoder, second, "%s", rule->message);
    }
    return decode_fail(decoder, second, "\"%s\" and \"%s\" exclude each other: %s",
                       first->text.bytes, second->text.bytes, rule->message);
}

bool decode_check(struct decoder *decoder, const struct yaml_node *node, const struct shape *shape)
{
    static const struct {
        bool scalar, sequence, mapping;
    } kinds[] = {
        [SHAPE_SCALAR] = {.scalar = true},
        [SHAPE_NAME] = {.scalar = true},
        [SHAPE_LIST] = {.sequence = true},
        [SHAPE_MAPPING] = {.mapping = true},
        [SHAPE_SETTINGS] = {.mapping = true},
        [SHAPE_MAP] = {.mapping = true},
        [SHAPE_EITHER] = {.scalar = true, .mapping = true},
        [SHAPE_TREE] = {.scalar = true, .sequence = true, .mapping = true},
    };
    bool null = yaml_is_null(node);
    bool may_be_null = (shape->also & SHAPE_NULL) || shape->kind == SHAPE_TREE;
    bool fits = node->kind == YAML_SCALAR     ? kinds[shape->kind].scalar && (!null || may_be_null)
                : node->kind == YAML_SEQUENCE ? kinds[shape->kind].sequence
                                              : kinds[shape->kind].mapping;
    const char *expected =
        null && shape == &shape_text ? "a string, such as \"\"" : shape->expected;
    return (fits && node->kind != YAML_BROKEN) || decode_fail_kind(decoder, node, expected);
}

static bool decode_keys(struct decoder *decoder, const struct yaml_node *node,
                        const struct shape *shape, void *into)
{
    bool ok = true;
    for (size_t i = 0; i < shape->keys_count; i++) {
        const struct key *key = &shape->keys[i];
        const struct yaml_node *child = yaml_get(node, key->name);
        if (!child && key->rule == KEY_REQUIRED) {
            ok = decode_fail(decoder, node, "%s needs the key \"%s\"", shape->expected, key->name);
        } else if (child) {
            ok =
                decode_check(decoder, child, key->shape) && key->decode(decoder, child, into) && ok;
        }
    }
    return ok;
}

bool decode_mapping(struct decoder *decoder, const struct yaml_node *node,
                    const struct shape *shape, void *into)
{
    if (node->kind != YAML_MAPPING) {
        return decode_fail_kind(decoder, node, shape->expected);
    }
    bool ok = check_keys(decoder, node, shape);
    ok = decode_keys(decoder, node, shape, into) && ok;
    for (size_t i = 0; i < shape->rules_count; i++) {
        ok = check_rule(decoder, node, &shape->rules[i], shape) && ok;
    }
    return ok;
}

bool decode_name(struct decoder *decoder, const struct yaml_node *node, const struct shape *shape,
                 size_t *ret_index)
{
    const char *names[KEYS_MOST];
    char list[LIMIT_MESSAGE / 4] = "";
    size_t count = 0;
    for (; shape->name(count); count++) {
        size_t used = strlen(list);
        names[count] = shape->name(count);
        if (str_is(node->text, names[count])) {
            *ret_index = count;
            return true;
        }
        snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", names[count]);
    }
    const char *nearest = str_suggest(node->text, names, count);
    return decode_fail(
        decoder, node, "no %s \"%.64s\"; %s%s%s", node->key->text.bytes, node->text.bytes,
        nearest ? "did you mean \"" : "known: ", nearest ? nearest : list, nearest ? "\"?" : "");
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

bool decode_duration(struct decoder *decoder, const struct yaml_node *node,
                     const struct duration_limits *limits, uint64_t *ret_ms)
{
    struct str text;
    uint64_t ms;
    if (!decode_scalar(decoder, node, shape_duration.expected, &text)) {
        return false;
    }
    if (!parse_duration(text, &ms)) {
        return decode_fail(decoder, node, "\"%.64s\" is not a duration such as 500ms, 30s or 2m",
                           text.bytes);
    }
    if (ms < limits->shortest_ms || ms > limits->longest_ms) {
        return decode_fail(decoder, node, "\"%.64s\": the duration must be %s", text.bytes,
                           limits->text);
    }
    *ret_ms = ms;
    return true;
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
    const struct text_context context = {rule, locate_scalar(&locator, node), decoder->references,
                                         decoder->environment};
    if (!text_parse(source, &context, &text, &place, &error)) {
        return findings_add(decoder->findings, place, &error);
    }
    text_done(ret_text);
    *ret_text = text;
    return true;
}

bool decode_list(struct decoder *decoder, const struct yaml_node *node, const struct shape *shape,
                 size_t size, bool (*each)(struct decoder *, const struct yaml_node *, void *),
                 void **ret_list, size_t *ret_count)
{
    if (node->kind != YAML_SEQUENCE) {
        return decode_fail_kind(decoder, node, shape->expected);
    }
    if (node->count == 0) {
        return decode_fail(decoder, node, "expected %s, found an empty one", shape->expected);
    }
    char *list = calloc(node->count, size);
    if (!list) {
        return decode_fail_memory(decoder, node);
    }
    *ret_list = list;
    *ret_count = node->count;
    bool ok = true;
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        ok = decode_check(decoder, child, shape->element) && each(decoder, child, list) && ok;
        list += size;
    }
    return ok;
}
