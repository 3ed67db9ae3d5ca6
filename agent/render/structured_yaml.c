/* Block style. Keys that no YAML reader can take for anything else are bare, the others and all
 * strings are in double quotes. */
#include <string.h>

#include "base/limits.h"
#include "render/structured.h"

enum { SIMPLE_KEY = 1024 };

static bool put(struct secret *into, const char *text, struct error *err)
{
    return secret_append(into, str_from(text), err);
}

/* YAML 1.1 has many words for true, false and null. */
static bool is_word(const char *key)
{
    static const char *const words[] = {"y",   "n",    "yes",   "no",  "on",
                                        "off", "true", "false", "null"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_equal_nocase(str_from(key), str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_plain(const char *key)
{
    for (const char *at = key; *at; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_';
        if (!letter && (at == key || !strchr("0123456789-.", *at))) {
            return false;
        }
    }
    return key[0] != '\0' && !is_word(key);
}

/* A longer key is one only after a question mark (YAML 1.2, 7.4); with its quotes and escapes. */
static bool write_key(const char *key, unsigned level, struct secret *into, struct error *err)
{
    SECRET_AUTO text = secret_new(LIMIT_OUTPUT_FILE);
    if (!text) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!(is_plain(key) ? put(text, key, err) : structured_quoted(key, text, err))) {
        return false;
    }
    bool is_long = secret_size(text) > SIMPLE_KEY;
    return (!is_long || put(into, "? ", err)) && secret_append_secret(into, text, err) &&
           (!is_long || structured_newline(level, into, err)) && put(into, ":", err);
}

/* Writes what follows a key or a dash on the same line, or on lines of its own. */
static bool write(const struct tree *tree, const struct sources *sources, unsigned level,
                  struct secret *into, struct place *ret_place, struct error *err)
{
    bool map = tree->kind == TREE_MAP;
    if (!map && tree->kind != TREE_LIST) {
        return put(into, " ", err) && structured_scalar(tree, sources, into, ret_place, err);
    }
    if (!tree->first) {
        return put(into, map ? " {}" : " []", err);
    }
    for (const struct tree *child = tree->first; child; child = child->next) {
        if (!structured_newline(level, into, err) ||
            !(map ? write_key(child->key, level, into, err) : put(into, "-", err)) ||
            !write(child, sources, level + 1, into, ret_place, err)) {
            return false;
        }
    }
    return true;
}

bool structured_yaml(const struct tree *tree, const struct sources *sources, struct secret *into,
                     struct place *ret_place, struct error *err)
{
    return put(into, "---", err) && write(tree, sources, 0, into, ret_place, err) &&
           put(into, "\n", err);
}
