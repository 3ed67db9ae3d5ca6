/* A string of the template with references in it, taken apart. The rules are those of `op inject`
 * (connect-api.md): {{ op://… }}, {{ "literal" }}, bare op://…, variables; and filters, which work
 * on all that stands before them in their braces: {{ op://… ":" op://… | base64 }}. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "model/filter.h"
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

/* Parts from `from` up to `to` pass through the filters, in order. */
struct text_span {
    size_t from, to;
    struct filter_use *filters; /* owned */
    size_t count;
    struct place place; /* of the first filter */
};

struct text {
    struct text_part *parts; /* all owned */
    size_t count;
    struct text_span *spans; /* in the order of parts; they do not overlap */
    size_t spans_count;
    char *storage;
    struct place place; /* of its first byte */
};

/* What a text may be. */
enum text_rule {
    TEXT_WHOLE,  /* a string that is nothing but a reference may hold spaces without braces */
    TEXT_SPANS,  /* a file template, where only {{ }} and bare references count */
    TEXT_INJECT, /* the same, and variables are replaced everywhere, as `op inject` does */
};

/* Where a text was written: the place of the byte at offset `at`. Asked with offsets that never
 * step back, so that it can walk along. */
struct text_origin {
    struct place (*locate)(void *context, size_t at);
    void *context; /* borrowed */
};

struct text_context {
    enum text_rule rule;
    struct text_origin origin;
    struct references *references; /* gets those that are met, each with its place */
    char *const *environment;      /* NAME=value, ended by null; may be null */
};

/* On failure *ret_place is that of what is wrong. */
bool text_parse(struct str source, const struct text_context *context, struct text *ret_text,
                struct place *ret_place, struct error *err);
void text_done(struct text *text);
