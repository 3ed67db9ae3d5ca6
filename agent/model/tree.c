#include "model/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void tree_free(struct tree *tree)
{
    while (tree) {
        struct tree *next = tree->next;
        tree_free(tree->first);
        text_done(&tree->text);
        free(tree->literal);
        free(tree->key);
        free(tree);
        tree = next;
    }
}

static bool set(char **string, struct str text)
{
    char *copy = strndup(text.bytes ? text.bytes : "", text.size);
    if (!copy) {
        return false;
    }
    free(*string);
    *string = copy;
    return true;
}

bool tree_set_key(struct tree *tree, struct str key)
{
    return set(&tree->key, key);
}

bool tree_set_literal(struct tree *tree, struct str literal)
{
    return set(&tree->literal, literal);
}

struct walk {
    bool (*each)(void *context, const char *path, const struct tree *leaf, struct error *err);
    void *context;
    struct buf path; /* to where it is */
    struct error *err;
};

static bool visit(struct walk *walk, const struct tree *tree)
{
    size_t size = walk->path.size;
    size_t index = 0;
    if (!tree->first) {
        return walk->each(walk->context, walk->path.bytes ? walk->path.bytes : "", tree, walk->err);
    }
    for (const struct tree *child = tree->first; child; child = child->next) {
        bool ok = tree->kind == TREE_MAP
                      ? buf_format(&walk->path, walk->err, "%s%s", size ? "." : "", child->key)
                      : buf_format(&walk->path, walk->err, "[%zu]", index++);
        if (!ok || !visit(walk, child)) {
            return false;
        }
        walk->path.size = size;
        walk->path.bytes[size] = '\0';
    }
    return true;
}

bool tree_each_leaf(const struct tree *tree,
                    bool (*each)(void *context, const char *path, const struct tree *leaf,
                                 struct error *err),
                    void *context, struct error *err)
{
    struct walk walk = {.each = each, .context = context, .err = err};
    buf_init(&walk.path, LIMIT_TREE_PATH);
    bool ok = visit(&walk, tree);
    buf_done(&walk.path);
    return ok;
}
