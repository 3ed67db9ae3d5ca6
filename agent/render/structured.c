#include "render/structured.h"

#include "base/limits.h"
#include "render/escape.h"

static bool put(struct secret *into, const char *text, struct error *err)
{
    return secret_append(into, str_from(text), err);
}

struct secret *structured_text(const struct tree *tree, const struct sources *sources,
                               struct place *ret_place, struct error *err)
{
    struct secret *value = secret_new(LIMIT_OUTPUT_FILE);
    if (!value) {
        error_set(err, ERROR_MEMORY, "out of memory");
        return NULL;
    }
    if (!text_render(&tree->text, sources, value, ret_place, err)) {
        secret_free(value);
        return NULL;
    }
    *ret_place = tree->place;
    return value;
}

bool structured_scalar(const struct tree *tree, const struct sources *sources, struct secret *into,
                       struct place *ret_place, struct error *err)
{
    if (tree->kind != TREE_TEXT) {
        return put(into, tree->kind == TREE_NULL ? "null" : tree->literal, err);
    }
    SECRET_AUTO value = structured_text(tree, sources, ret_place, err);
    if (!value) {
        return false;
    }
    if (!put(into, "\"", err) || !escape_json(secret_str(value), into, err)) {
        return error_wrap(err, "the value");
    }
    return put(into, "\"", err);
}

bool structured_quoted(const char *text, struct secret *into, struct error *err)
{
    return put(into, "\"", err) && escape_json(str_from(text), into, err) && put(into, "\"", err);
}

bool structured_newline(unsigned level, struct secret *into, struct error *err)
{
    bool ok = put(into, "\n", err);
    for (unsigned i = 0; ok && i < level; i++) {
        ok = put(into, "  ", err);
    }
    return ok;
}
