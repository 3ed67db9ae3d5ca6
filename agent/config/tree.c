#include "config/tree.h"

#include <stdlib.h>
#include <string.h>

static size_t skip_digits(struct str text, size_t at)
{
    while (at < text.size && text.bytes[at] >= '0' && text.bytes[at] <= '9') {
        at++;
    }
    return at;
}

static bool is_at(struct str text, size_t at, const char *set)
{
    return at < text.size && text.bytes[at] != '\0' && strchr(set, text.bytes[at]);
}

/* RFC 8259, 6: the one way to write numbers that JSON and every YAML agree on. */
static bool is_number(struct str text)
{
    size_t first = is_at(text, 0, "-");
    size_t at = skip_digits(text, first);
    if (at == first || (is_at(text, first, "0") && at > first + 1)) {
        return false;
    }
    if (is_at(text, at, ".")) {
        size_t fraction = ++at;
        at = skip_digits(text, at);
        if (at == fraction) {
            return false;
        }
    }
    if (is_at(text, at, "eE")) {
        at++;
        at += is_at(text, at, "+-");
        size_t exponent = at;
        at = skip_digits(text, at);
        if (at == exponent) {
            return false;
        }
    }
    return at == text.size;
}

/* Something YAML 1.2 takes for a number, in a form that JSON has not: +1, .5, 007, 0x1f, .inf */
static bool is_odd_number(struct str text)
{
    static const char *const words[] = {".inf", "-.inf", "+.inf", ".nan"};
    size_t first = is_at(text, 0, "+-");
    size_t at = skip_digits(text, first);
    bool digits = at > first;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_equal_nocase(text, str_from(words[i]))) {
            return true;
        }
    }
    if (str_starts(text, "0x") || str_starts(text, "0o")) {
        for (at = 2; is_at(text, at, "0123456789abcdefABCDEF"); at++) {
        }
        return at == text.size && at > 2;
    }
    if (is_at(text, at, ".")) {
        size_t fraction = skip_digits(text, at + 1);
        digits = digits || fraction > at + 1;
        at = fraction;
    }
    return digits && at == text.size;
}

static bool set_literal(struct decoder *decoder, const struct yaml_node *node, enum tree_kind kind,
                        const char *literal, struct tree *tree)
{
    tree->kind = kind;
    return tree_set_literal(tree, str_from(literal)) || decode_fail_memory(decoder, node);
}

static bool decode_plain(struct decoder *decoder, const struct yaml_node *node, struct tree *tree)
{
    struct str text = node->text;
    static const char *const booleans[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    for (size_t i = 0; i < sizeof(booleans) / sizeof(booleans[0]); i++) {
        if (str_is(text, booleans[i])) {
            return set_literal(decoder, node, TREE_BOOLEAN, booleans[i / 3 * 3], tree);
        }
    }
    if (is_number(text)) {
        return set_literal(decoder, node, TREE_NUMBER, text.bytes, tree);
    }
    if (is_odd_number(text)) {
        return decode_fail(decoder, node,
                           "\"%.64s\" is a number that not every reader takes for the same; write "
                           "it in decimal digits, or in quotes if it is a text",
                           text.bytes);
    }
    tree->kind = TREE_TEXT;
    return decode_text(decoder, node, TEXT_WHOLE, &tree->text);
}

static bool decode_node(struct decoder *decoder, const struct yaml_node *node, struct tree *tree);

static bool set_key(struct decoder *decoder, const struct yaml_node *key, struct tree *tree)
{
    if (str_find(key->text, 0, "op://") < key->text.size ||
        str_find(key->text, 0, "{{") < key->text.size) {
        return decode_fail_key(decoder, key, "");
    }
    return tree_set_key(tree, key->text) || decode_fail_memory(decoder, key);
}

static bool decode_children(struct decoder *decoder, const struct yaml_node *node,
                            struct tree *tree)
{
    struct tree **end = &tree->first;
    bool ok = true;
    tree->kind = node->kind == YAML_SEQUENCE ? TREE_LIST : TREE_MAP;
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        if (child->kind == YAML_BROKEN) {
            ok = false;
            continue;
        }
        struct tree *made = calloc(1, sizeof(*made));
        if (!made) {
            return decode_fail_memory(decoder, child);
        }
        *end = made;
        end = &made->next;
        ok = (tree->kind == TREE_LIST || set_key(decoder, child->key, made)) && ok;
        ok = decode_node(decoder, child, made) && ok;
    }
    return ok;
}

static bool decode_node(struct decoder *decoder, const struct yaml_node *node, struct tree *tree)
{
    tree->place = node->place;
    if (node->kind == YAML_SEQUENCE || node->kind == YAML_MAPPING) {
        return decode_children(decoder, node, tree);
    }
    if (node->kind == YAML_BROKEN || yaml_is_null(node)) {
        tree->kind = TREE_NULL;
        return node->kind != YAML_BROKEN;
    }
    if (node->style == YAML_PLAIN) {
        return decode_plain(decoder, node, tree);
    }
    tree->kind = TREE_TEXT;
    return decode_text(decoder, node, node->style == YAML_BLOCK ? TEXT_SPANS : TEXT_WHOLE,
                       &tree->text);
}

bool tree_decode(struct decoder *decoder, const struct yaml_node *node, struct tree **ret_tree)
{
    struct tree *tree = calloc(1, sizeof(*tree));
    if (!tree) {
        return decode_fail_memory(decoder, node);
    }
    tree_free(*ret_tree);
    *ret_tree = tree;
    return decode_node(decoder, node, tree);
}
