/* Nested keys are joined as Spring does: maps by a dot, lists by an index in brackets. What this
 * cannot hold (null, an empty list) was refused when the template was read. */
#include "base/limits.h"
#include "render/escape.h"
#include "render/structured.h"

struct writer {
    const struct sources *sources;
    struct secret *into;
    struct place *ret_place;
};

static bool write_value(struct writer *writer, const char *path, const struct tree *leaf,
                        struct error *err)
{
    if (leaf->kind != TREE_TEXT) {
        return secret_append(writer->into, str_from(leaf->literal), err);
    }
    SECRET_AUTO value = structured_text(leaf, writer->sources, writer->ret_place, err);
    if (!value) {
        return false;
    }
    return escape_properties(secret_str(value), false, writer->into, err) ||
           error_wrap(err, "the value of %s", path);
}

static bool write_line(void *context, const char *path, const struct tree *leaf, struct error *err)
{
    struct writer *writer = context;
    return escape_properties(str_from(path), true, writer->into, err) &&
           secret_append(writer->into, str_from("="), err) &&
           write_value(writer, path, leaf, err) && secret_append(writer->into, str_from("\n"), err);
}

bool structured_properties(const struct tree *tree, const struct sources *sources,
                           struct secret *into, struct place *ret_place, struct error *err)
{
    struct writer writer = {sources, into, ret_place};
    return tree_each_leaf(tree, write_line, &writer, err);
}
