/* The subtree of a `json`, `yaml` or `properties` file: what is to be written, with its types. A
 * number is kept as it was written; a string may hold references and always stays a string. */
#pragma once

#include "model/text.h"

enum tree_kind {
    TREE_NULL,
    TREE_BOOLEAN,
    TREE_NUMBER,
    TREE_TEXT,
    TREE_LIST,
    TREE_MAP,
};

struct tree {
    enum tree_kind kind;
    char *key;          /* owned; of a map's child: UTF-8 without NUL */
    char *literal;      /* owned; of a boolean or a number: as JSON writes it */
    struct text text;   /* of a string */
    struct tree *first; /* owned: children, in the template's order */
    struct tree *next;
    struct place place;
};

/* Copy the text; false when memory is out. */
bool tree_set_key(struct tree *tree, struct str key);
bool tree_set_literal(struct tree *tree, struct str literal);

/* Calls `each` for all that has no children, in order, with the path to it: keys of maps joined by
 * dots, places in lists in brackets, as in a properties file. Ends with the first false. */
bool tree_each_leaf(const struct tree *tree,
                    bool (*each)(void *context, const char *path, const struct tree *leaf,
                                 struct error *err),
                    void *context, struct error *err);

/* Frees it, its children and all that follow it; null is allowed. */
void tree_free(struct tree *tree);
