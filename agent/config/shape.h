/* What can stand where in a template, as data: the reader checks by it, and the JSON Schema, the
 * manual and the help are made from it, so that they cannot differ. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct decoder;
struct yaml_node;

enum shape_kind {
    SHAPE_SCALAR,   /* one string; `pattern` says which */
    SHAPE_NAME,     /* one of `names` */
    SHAPE_LIST,     /* of at least one `element` */
    SHAPE_MAPPING,  /* with `keys` */
    SHAPE_SETTINGS, /* with the settings of `block` as its keys */
    SHAPE_MAP,      /* with any keys that fit `pattern`, each an `element` */
    SHAPE_EITHER,   /* `element`, or a mapping with `keys` */
    SHAPE_TREE,     /* anything */
};

enum shape_also {
    SHAPE_NUMBER = 1 << 0,  /* a scalar that YAML takes for a number is welcome too */
    SHAPE_BOOLEAN = 1 << 1, /* for true or false */
    SHAPE_NULL = 1 << 2,    /* for nothing */
};

enum { SHAPE_RULE_KEYS = 7 };

/* Between the keys of a mapping. */
enum shape_rule_kind {
    RULE_ONE_OF,   /* exactly one of them is there */
    RULE_NEEDS,    /* with the first one, the second one too */
    RULE_NOT_BOTH, /* at most one of the two */
    RULE_ANY_OF,   /* at least one of them is there */
};

struct shape_rule {
    enum shape_rule_kind kind;
    const char *keys[SHAPE_RULE_KEYS]; /* ended by null, when shorter */
    const char *message;
};

struct shape {
    enum shape_kind kind;
    const char *expected; /* for messages: "a list of files", "true or false" */
    unsigned also;        /* SHAPE_NUMBER | … */
    const char *pattern; /* ECMA 262, as JSON Schema wants it; null: any. The decoder has the say */
    int constant;        /* of SHAPE_SCALAR: the one number it can be; 0: not so */
    const char *(*name)(size_t index); /* of SHAPE_NAME; null beyond the last */
    const char *block;                 /* of SHAPE_SETTINGS */
    const struct shape *element;
    const struct key *keys;
    size_t keys_count;
    const struct shape_rule *rules;
    size_t rules_count;
};

enum key_rule {
    KEY_OPTIONAL,
    KEY_REQUIRED,
};

struct key {
    const char *name;
    enum key_rule rule;
    const char *help; /* one line */
    const struct shape *shape;
    /* Decodes the value, which has this shape, into the structure of the table. */
    bool (*decode)(struct decoder *decoder, const struct yaml_node *node, void *into);
};

extern const struct shape shape_text; /* any string, with references */
extern const struct shape shape_path;
extern const struct shape shape_boolean;
extern const struct shape shape_mode;
extern const struct shape shape_owner;
extern const struct shape shape_duration;
