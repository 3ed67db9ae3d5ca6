#include "render/structured.h"

static bool put(struct secret *into, const char *text, struct error *err)
{
    return secret_append(into, str_from(text), err);
}

static bool write(const struct tree *tree, const struct sources *sources, unsigned level,
                  struct secret *into, struct place *ret_place, struct error *err);

static bool write_child(const struct tree *child, const struct sources *sources, unsigned level,
                        struct secret *into, struct place *ret_place, struct error *err)
{
    return structured_newline(level, into, err) &&
           (!child->key || (structured_quoted(child->key, into, err) && put(into, ": ", err))) &&
           write(child, sources, level, into, ret_place, err) &&
           (!child->next || put(into, ",", err));
}

static bool write(const struct tree *tree, const struct sources *sources, unsigned level,
                  struct secret *into, struct place *ret_place, struct error *err)
{
    bool map = tree->kind == TREE_MAP;
    if (!map && tree->kind != TREE_LIST) {
        return structured_scalar(tree, sources, into, ret_place, err);
    }
    bool ok = put(into, map ? "{" : "[", err);
    for (const struct tree *child = tree->first; ok && child; child = child->next) {
        ok = write_child(child, sources, level + 1, into, ret_place, err);
    }
    return ok && (!tree->first || structured_newline(level, into, err)) &&
           put(into, map ? "}" : "]", err);
}

bool structured_json(const struct tree *tree, const struct sources *sources, struct secret *into,
                     struct place *ret_place, struct error *err)
{
    return write(tree, sources, 0, into, ret_place, err) && put(into, "\n", err);
}
