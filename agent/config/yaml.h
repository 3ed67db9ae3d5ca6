/* YAML as a tree that remembers where everything stood. A strict subset: one document, string keys,
 * no duplicates, anchors, aliases or tags. libyaml is only used here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/findings.h"
#include "base/str.h"

enum yaml_kind {
    YAML_SCALAR,
    YAML_SEQUENCE,
    YAML_MAPPING,
};

enum yaml_style {
    YAML_PLAIN,  /* unquoted: null, numbers and booleans are told by their text */
    YAML_QUOTED, /* single or double */
    YAML_BLOCK,  /* | or > */
};

struct yaml_node {
    enum yaml_kind kind;
    enum yaml_style style; /* of a scalar */
    struct place place;    /* of its first character */
    bool is_exact;   /* a scalar written in one piece: an offset in it is an offset of columns */
    struct str text; /* of a scalar; owned by the tree */
    struct yaml_node *key;  /* of a mapping's child */
    struct yaml_node *next; /* sibling */
    struct yaml_node *first;
    struct yaml_node *last;
    size_t count; /* of children */
};

/* Reads `source`, known as `file` (borrowed by all places). Null when it is wrong; the findings say
 * why. */
struct yaml_node *yaml_read(const char *file, struct str source, struct findings *findings);
void yaml_node_free(struct yaml_node *node); /* null is allowed */

/* The value of a key; null when there is none. */
struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);
/* `null`, `~` or nothing at all. */
bool yaml_is_null(const struct yaml_node *node);
/* "a list", "a mapping", "nothing", "text": for messages. */
const char *yaml_describe(const struct yaml_node *node);

/* The place of the byte at `offset` in a scalar's text, as exactly as the style lets: `source` is
 * what the tree was read from. */
struct place yaml_place_in(const struct yaml_node *scalar, struct str source, size_t offset);

const char *yaml_library_version(void);
