#include "config/properties.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* A joined key, and where it was met first. */
struct joined {
    struct joined *next;
    struct place place;
    char path[];
};

struct check {
    struct decoder *decoder;
    struct joined *all; /* owned */
    void *tree;         /* to find them again */
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct joined *)a)->path, ((const struct joined *)b)->path);
}

static bool fail(struct check *check, const struct tree *leaf, const char *path, const char *words)
{
    return findings_format(check->decoder->findings, leaf->place, ERROR_TEMPLATE,
                           "%.128s: a properties file cannot hold %s", path, words);
}

static void keep_node(void *node)
{
    (void)node; /* the list has it */
}

static bool refuse_twins(struct check *check, const struct tree *leaf, const char *path,
                         struct error *err)
{
    size_t size = strlen(path) + 1;
    struct joined *joined = malloc(sizeof(*joined) + size);
    if (!joined) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    joined->next = check->all;
    check->all = joined;
    joined->place = leaf->place;
    memcpy(joined->path, path, size);
    struct joined *const *found = tsearch(joined, &check->tree, compare);
    if (!found) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (*found != joined) {
        findings_format(check->decoder->findings, leaf->place, ERROR_TEMPLATE,
                        "the key %.128s is there twice once joined; the first is on line %u", path,
                        (*found)->place.line);
    }
    return true;
}

static bool look(void *context, const char *path, const struct tree *leaf, struct error *err)
{
    struct check *check = context;
    if (path[0] == '\0') {
        fail(check, leaf, "the subtree", "nothing: give it keys");
    } else if (leaf->kind == TREE_NULL) {
        fail(check, leaf, path, "null; leave the key out, or write \"\"");
    } else if (leaf->kind == TREE_LIST || leaf->kind == TREE_MAP) {
        fail(check, leaf, path, "an empty list or mapping; leave the key out");
    }
    return refuse_twins(check, leaf, path, err);
}

bool properties_check(struct decoder *decoder, const struct yaml_node *node,
                      const struct tree *tree)
{
    struct check check = {.decoder = decoder};
    struct error error;
    size_t before = decoder->findings->count + decoder->findings->dropped;
    if (!tree_each_leaf(tree, look, &check, &error)) {
        findings_add(decoder->findings, node->place, &error);
    }
    tdestroy(check.tree, keep_node);
    while (check.all) {
        struct joined *next = check.all->next;
        free(check.all);
        check.all = next;
    }
    return decoder->findings->count + decoder->findings->dropped == before;
}
