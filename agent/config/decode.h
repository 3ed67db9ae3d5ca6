/* Nodes of the template into structures, by the tables of config/shape.h. Every mistake becomes a
 * finding; decoding goes on after it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/findings.h"
#include "config/shape.h"
#include "config/yaml.h"
#include "model/template.h"

struct decoder {
    struct template *template; /* being filled */
    struct findings *findings;
    struct references *references; /* get those that are met: the template's */
    char *const *environment;      /* NAME=value, ended by null: for variables in references */
};

/* Checks `node` by its shape, a mapping: its keys, the shapes of their values and the rules between
 * them. Then decodes in the order of the table. False when anything was wrong. */
bool decode_mapping(struct decoder *decoder, const struct yaml_node *node,
                    const struct shape *shape, void *into);
/* A finding when the node is not of the shape's kind: a list, a mapping, a string. */
bool decode_check(struct decoder *decoder, const struct yaml_node *node, const struct shape *shape);

/* A finding at the node, with a printf format; false. */
#define decode_fail(decoder, node, ...)                                                            \
    findings_format((decoder)->findings, (node)->place, ERROR_TEMPLATE, __VA_ARGS__)
/* "expected …, found a list", unless the findings speak of this node already. */
bool decode_fail_kind(struct decoder *decoder, const struct yaml_node *node, const char *expected);
/* At the byte at offset `at` of its text. */
bool decode_fail_at(struct decoder *decoder, const struct yaml_node *node, size_t at,
                    const char *message);
bool decode_fail_memory(struct decoder *decoder, const struct yaml_node *node);
/* The same for a key that is not what can stand there; says so when it holds a reference. */
bool decode_fail_key(struct decoder *decoder, const struct yaml_node *key, const char *message);

/* Text, or a finding "expected …, found a list". `expected` is such as "a duration such as 60s". */
bool decode_scalar(struct decoder *decoder, const struct yaml_node *node, const char *expected,
                   struct str *ret_text);
bool decode_string(struct decoder *decoder, const struct yaml_node *node, const char *expected,
                   char **ret_string);
bool decode_boolean(struct decoder *decoder, const struct yaml_node *node, bool *ret_boolean);
bool decode_mode(struct decoder *decoder, const struct yaml_node *node, mode_t *ret_mode);
bool decode_owner(struct decoder *decoder, const struct yaml_node *node, uid_t *ret_uid,
                  gid_t *ret_gid);

struct duration_limits {
    uint64_t shortest_ms, longest_ms;
    const char *text; /* "from 100ms to 1h" */
};
bool decode_duration(struct decoder *decoder, const struct yaml_node *node,
                     const struct duration_limits *limits, uint64_t *ret_ms);

/* A string with references in it; mistakes are found at their own line and column. */
bool decode_text(struct decoder *decoder, const struct yaml_node *node, enum text_rule rule,
                 struct text *ret_text);

/* One of the shape's names; *ret_index is its place among them. */
bool decode_name(struct decoder *decoder, const struct yaml_node *node, const struct shape *shape,
                 size_t *ret_index);

/* A sequence of at least one: `each` decodes one into the zeroed element. *ret_list is owned by the
 * caller also on failure. */
bool decode_list(struct decoder *decoder, const struct yaml_node *node, const struct shape *shape,
                 size_t size, bool (*each)(struct decoder *, const struct yaml_node *, void *),
                 void **ret_list, size_t *ret_count);
