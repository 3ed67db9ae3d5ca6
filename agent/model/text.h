/* A string of the template with references in it, taken apart: literals and references in order.
 * The rules are those of `op inject` (connect-api.md): {{ op://… }}, {{ "literal" }}, bare op://…
 * A string that is nothing but a reference may hold spaces without braces. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "model/reference.h"

enum text_kind {
    TEXT_LITERAL,
    TEXT_REFERENCE,
};

struct text_part {
    enum text_kind kind;
    struct str literal; /* points into storage */
    size_t reference;   /* index into the template's references */
};

struct text {
    struct text_part *parts; /* owned */
    size_t count;
    char *storage; /* owned */
};

/* What a text may be. TEXT_WHOLE: a string that is nothing but a reference may hold spaces;
 * TEXT_SPANS: a file template, where only {{ }} and bare references count. */
enum text_rule {
    TEXT_WHOLE,
    TEXT_SPANS,
};

/* Where a text was written: the place of the byte at offset `at`. Asked with offsets that never
 * step back, so that it can walk along. */
struct text_origin {
    struct place (*locate)(void *context, size_t at);
    void *context; /* borrowed */
};

/* Adds the references it meets to `references`, each with its place. On failure *ret_place is that
 * of what is wrong. */
bool text_parse(struct str source, enum text_rule rule, struct references *references,
                struct text_origin origin, struct text *ret_text, struct place *ret_place,
                struct error *err);
void text_done(struct text *text);

/* Is it one reference and nothing else? Then *ret_reference is its index. */
bool text_is_reference(const struct text *text, size_t *ret_reference);
