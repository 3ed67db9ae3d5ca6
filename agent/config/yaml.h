/* YAML as a tree that remembers where everything was written. A strict subset: one document, string
 * keys, no duplicate keys, anchors, aliases or tags. libyaml is only used here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/findings.h"
#include "base/str.h"

enum yaml_kind {
    YAML_SCALAR,
    YAML_SEQUENCE,
    YAML_MAPPING,
    YAML_BROKEN, /* something the findings already speak of: pass over it */
};

enum yaml_style {
    YAML_PLAIN,
    YAML_SINGLE, /* quotes */
    YAML_DOUBLE,
    YAML_BLOCK, /* | or > */
};

struct yaml_node {
    enum yaml_kind kind;
    enum yaml_style style; /* of a scalar */
    struct place place;
    struct str text;   /* of a scalar: UTF-8 without NUL, terminated; else size 0 */
    struct str source; /* of a scalar: what the file holds from its first character to its end */
    struct yaml_node *key;   /* owned: the key of a mapping's child */
    struct yaml_node *first; /* owned: children */
    struct yaml_node *next;
    size_t count;   /* of children */
    char storage[]; /* of text */
};

/* Reads the whole of `source` (borrowed by the tree), known as `file` (borrowed by the places).
 * Null when there is no tree to speak of; whatever is wrong is in the findings. */
struct yaml_node *yaml_read(const char *file, struct str source, struct findings *findings);
void yaml_node_free(struct yaml_node *node); /* null is allowed */

/* The value of a mapping's key; null when there is none. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);
/* Nothing, ~ or null. */
bool yaml_is_null(const struct yaml_node *node);
/* "a list", "a mapping", "nothing", "text": for messages. */
const char *yaml_describe(const struct yaml_node *node);

const char *yaml_library_version(void);

static inline void yaml_cleanup(struct yaml_node **node)
{
    yaml_node_free(*node);
}
#define YAML_NODE_AUTO __attribute__((cleanup(yaml_cleanup))) struct yaml_node *
