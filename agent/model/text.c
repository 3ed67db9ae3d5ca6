#include "model/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "model/variable.h"

enum { SCHEME = sizeof("op://") - 1, BRACES = 2, SHOWN = 48, FILTERS_MOST = 8 };

#define LITERAL_BRACES "a literal {{ is written {{ \"{{\" }}"

struct parser {
    struct str source;
    const struct text_context *context;
    struct text text;
    struct buf storage; /* of the literals; parts get their pointers into it in the end */
    size_t fixed;       /* parts before this one are not added to: a span ends there */
    size_t at;          /* where the trouble is */
    struct error *err;
};

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

static bool starts_at(struct str text, size_t at, const char *prefix)
{
    return str_starts(str_slice(text, at, text.size), prefix);
}

static size_t skip_blanks(struct str text, size_t at)
{
    while (at < text.size && is_one_of(text.bytes[at], " \t\r\n")) {
        at++;
    }
    return at;
}

/* Room for one more in a list that doubles when its count is a power of two; null: no memory. */
static void *make_room(void *list, size_t count, size_t size)
{
    if (count & (count - 1)) {
        return list;
    }
    return reallocarray(list, count ? count * 2 : 1, size);
}

static bool add_part(struct parser *parser, const struct text_part *part)
{
    struct text *text = &parser->text;
    struct text_part *parts = make_room(text->parts, text->count, sizeof(*parts));
    if (!parts) {
        return error_set(parser->err, ERROR_MEMORY, "out of memory");
    }
    text->parts = parts;
    text->parts[text->count++] = *part;
    return true;
}

/* Neighbouring literals become one. */
static bool add_literal(struct parser *parser, struct str literal)
{
    struct text *text = &parser->text;
    if (literal.size == 0) {
        return true;
    }
    if (!buf_append(&parser->storage, literal, parser->err)) {
        return false;
    }
    if (text->count > parser->fixed && text->parts[text->count - 1].kind == TEXT_LITERAL) {
        text->parts[text->count - 1].literal.size += literal.size;
        return true;
    }
    return add_part(parser, &(struct text_part){.literal = {NULL, literal.size}});
}

/* The reference with its variables replaced. */
static bool expand(struct parser *parser, size_t from, size_t to, struct buf *expanded)
{
    struct str source = str_slice(parser->source, 0, to);
    size_t literal = from;
    for (size_t at = from; at < to;) {
        size_t size = source.bytes[at] == '$' ? variable_size(source, at) : 0;
        struct str value;
        if (size == 0) {
            at++;
            continue;
        }
        parser->at = at;
        if (!variable_find(str_slice(source, at, at + size), parser->context->environment, &value,
                           parser->err) ||
            !buf_append(expanded, str_slice(source, literal, at), parser->err) ||
            !buf_append(expanded, value, parser->err)) {
            return false;
        }
        literal = at += size;
    }
    return buf_append(expanded, str_slice(source, literal, to), parser->err);
}

static bool intern(struct parser *parser, size_t from, size_t to, struct str reference)
{
    const struct text_context *context = parser->context;
    struct place place = context->origin.locate(context->origin.context, from);
    struct text_part part = {.kind = TEXT_REFERENCE};
    size_t wrong;
    parser->at = from;
    if (!references_intern(context->references, reference, place, &part.reference, &wrong,
                           parser->err)) {
        /* In one that held variables, offsets mean nothing. */
        parser->at = reference.size == to - from ? from + wrong : from;
        return false;
    }
    return add_part(parser, &part);
}

static bool add_reference(struct parser *parser, size_t from, size_t to)
{
    struct buf expanded;
    struct str written = str_slice(parser->source, from, to);
    if (str_find(written, 0, "$") == written.size) {
        return intern(parser, from, to, written);
    }
    buf_init(&expanded, LIMIT_REFERENCE);
    bool ok = expand(parser, from, to, &expanded) && intern(parser, from, to, buf_str(&expanded));
    buf_done(&expanded);
    return ok;
}

/* --- between braces --- */

/* What stands there, for a message. */
static void show(struct parser *parser, size_t from, size_t to, char shown[SHOWN])
{
    str_print(str_trim(str_slice(parser->source, from, to)), shown, SHOWN);
}

static bool refuse_unclosed(struct parser *parser, size_t open)
{
    parser->at = open;
    return error_set(parser->err, ERROR_TEMPLATE, "this {{ is not closed by }}; " LITERAL_BRACES);
}

/* "literal": `quote` is the offset of the first one. */
static bool parse_literal(struct parser *parser, size_t quote, size_t *ret_next)
{
    struct str source = parser->source;
    size_t from = quote + 1;
    for (size_t at = from; at < source.size; at++) {
        bool escaped = starts_at(source, at, "\\\"");
        if (!escaped && source.bytes[at] != '"') {
            continue;
        }
        if (!add_literal(parser, str_slice(source, from, at))) {
            return false;
        }
        if (!escaped) {
            *ret_next = at + 1;
            return true;
        }
        from = ++at;
    }
    parser->at = quote;
    return error_set(parser->err, ERROR_TEMPLATE, "this quote is not closed");
}

/* op://… up to what cannot belong to it: |, }}, a quote. */
static bool parse_enclosed(struct parser *parser, size_t open, size_t from, size_t *ret_next)
{
    struct str source = parser->source;
    size_t end = from;
    while (end < source.size && !is_one_of(source.bytes[end], "|\"") &&
           !starts_at(source, end, "}}")) {
        size_t variable = source.bytes[end] == '$' ? variable_size(source, end) : 0;
        if (starts_at(source, end, "{{")) {
            return refuse_unclosed(parser, open);
        }
        end += variable ? variable : 1;
    }
    if (end == source.size) {
        return refuse_unclosed(parser, open);
    }
    *ret_next = end;
    size_t size = str_trim(str_slice(source, from, end)).size;
    return add_reference(parser, from, from + size);
}

static bool refuse_expression(struct parser *parser, size_t open, size_t inner)
{
    struct str source = parser->source;
    size_t close = str_find(source, inner, "}}");
    char shown[SHOWN];
    if (close == source.size) {
        return refuse_unclosed(parser, open);
    }
    parser->at = open;
    if (starts_at(source, inner, "|")) {
        return error_set(
            parser->err, ERROR_TEMPLATE,
            "a filter needs something before it: {{ op://vault/item/field | filter }}");
    }
    show(parser, inner, close, shown);
    return error_set(parser->err, ERROR_TEMPLATE,
                     "{{ %s }} is neither a reference, {{ op://vault/item/field }}, nor a literal, "
                     "{{ \"text\" }}; " LITERAL_BRACES,
                     shown);
}

/* One or more literals and references side by side; at least one. */
static bool parse_terms(struct parser *parser, size_t open, size_t *ret_next)
{
    struct str source = parser->source;
    size_t inner = skip_blanks(source, open + BRACES);
    size_t at = inner;
    for (;;) {
        bool ok;
        if (starts_at(source, at, "\"")) {
            ok = parse_literal(parser, at, &at);
        } else if (starts_at(source, at, "op://")) {
            ok = parse_enclosed(parser, open, at, &at);
        } else if (at == inner) {
            ok = refuse_expression(parser, open, inner);
        } else {
            *ret_next = at;
            return true;
        }
        if (!ok) {
            return false;
        }
        at = skip_blanks(source, at);
    }
}

static bool add_filter(struct parser *parser, struct text_span *span, size_t from, size_t to)
{
    struct filter_use use;
    parser->at = from;
    if (span->count == FILTERS_MOST) {
        return error_set(parser->err, ERROR_TEMPLATE, "more than %d filters", FILTERS_MOST);
    }
    if (!filter_parse(str_trim(str_slice(parser->source, from, to)), &use, parser->err)) {
        return false;
    }
    struct filter_use *filters = make_room(span->filters, span->count, sizeof(use));
    if (!filters) {
        return error_set(parser->err, ERROR_MEMORY, "out of memory");
    }
    span->filters = filters;
    span->filters[span->count++] = use;
    return true;
}

static size_t find_filter_end(struct str source, size_t at)
{
    while (at < source.size && source.bytes[at] != '|' && !starts_at(source, at, "}}")) {
        at++;
    }
    return at;
}

/* `at` is the first |. What was made of the span belongs to the text also on failure. */
static bool parse_filters(struct parser *parser, size_t from, size_t at, size_t *ret_next)
{
    struct text *text = &parser->text;
    struct text_span *spans = make_room(text->spans, text->spans_count, sizeof(*spans));
    if (!spans) {
        return error_set(parser->err, ERROR_MEMORY, "out of memory");
    }
    text->spans = spans;
    struct text_span *span = &spans[text->spans_count++];
    const struct text_origin *origin = &parser->context->origin;
    *span = (struct text_span){.from = from, .to = text->count};
    while (starts_at(parser->source, at, "|")) {
        size_t name = skip_blanks(parser->source, at + 1);
        size_t end = find_filter_end(parser->source, name);
        if (!add_filter(parser, span, name, end)) {
            return false;
        }
        if (span->count == 1) {
            span->place = origin->locate(origin->context, name);
        }
        at = end;
    }
    parser->fixed = text->count;
    *ret_next = at;
    return true;
}

static bool parse_braces(struct parser *parser, size_t open, size_t *ret_next)
{
    struct str source = parser->source;
    size_t before = parser->fixed;
    size_t from = parser->text.count;
    size_t at;
    parser->fixed = from; /* a literal before the braces does not belong to what is filtered */
    if (!parse_terms(parser, open, &at)) {
        return false;
    }
    if (starts_at(source, at, "|")) {
        if (!parse_filters(parser, from, at, &at)) {
            return false;
        }
    } else {
        parser->fixed = before;
    }
    if (!starts_at(source, at, "}}")) {
        parser->at = at;
        return error_set(parser->err, ERROR_TEMPLATE, "expected }} here");
    }
    *ret_next = at + BRACES;
    return true;
}

/* --- outside of braces --- */

/* op://… | filter, as a whole value: without braces it would be written as it stands. */
static bool refuse_bare_filter(struct parser *parser, size_t at)
{
    struct str source = parser->source;
    struct filter_use use;
    struct error ignored;
    size_t bar = skip_blanks(source, at);
    if (parser->context->rule != TEXT_WHOLE || !starts_at(source, bar, "|") ||
        !filter_parse(str_trim(str_slice(source, bar + 1, source.size)), &use, &ignored)) {
        return true;
    }
    parser->at = bar;
    return error_set(parser->err, ERROR_TEMPLATE,
                     "a filter works in braces: {{ op://vault/item/field | %s }}",
                     filter_name(use.filter));
}

/* op://… without braces: ends where op inject ends it. */
static bool parse_bare(struct parser *parser, size_t from, size_t *ret_next)
{
    struct str source = parser->source;
    size_t end = from + SCHEME;
    for (size_t size = 1; size > 0 && end < source.size; end += size) {
        char c = source.bytes[end];
        if (c == '$') {
            size = variable_size(source, end);
        } else {
            size = is_alphanumeric(c) || is_one_of(c, "-?_./=");
        }
    }
    *ret_next = end;
    return add_reference(parser, from, end) && refuse_bare_filter(parser, end);
}

static bool is_bare(struct str source, size_t at)
{
    return starts_at(source, at, "op://") &&
           (at == 0 ||
            !(is_alphanumeric(source.bytes[at - 1]) || is_one_of(source.bytes[at - 1], "-+\\.")));
}

static bool parse_variable(struct parser *parser, size_t at, size_t *ret_next)
{
    struct str value;
    size_t size = variable_size(parser->source, at);
    parser->at = at;
    if (!variable_find(str_slice(parser->source, at, at + size), parser->context->environment,
                       &value, parser->err)) {
        return error_wrap(parser->err, "a literal $ is written {{ \"$\" }}");
    }
    *ret_next = at + size;
    return add_literal(parser, value);
}

/* What begins at `at` and is no literal; null when nothing does. */
static bool (*find_parser(const struct parser *parser, size_t at))(struct parser *, size_t,
                                                                   size_t *)
{
    struct str source = parser->source;
    if (starts_at(source, at, "{{")) {
        return parse_braces;
    }
    if (is_bare(source, at)) {
        return parse_bare;
    }
    bool variable = parser->context->rule == TEXT_INJECT && source.bytes[at] == '$';
    return variable && variable_size(source, at) > 0 ? parse_variable : NULL;
}

static bool parse_spans(struct parser *parser)
{
    struct str source = parser->source;
    size_t literal = 0;
    for (size_t at = 0; at < source.size;) {
        bool (*parse)(struct parser *, size_t, size_t *) = find_parser(parser, at);
        if (!parse) {
            at++;
            continue;
        }
        if (!add_literal(parser, str_slice(source, literal, at)) || !parse(parser, at, &at)) {
            return false;
        }
        literal = at;
    }
    return add_literal(parser, str_slice(source, literal, source.size));
}

static bool is_whole_reference(struct str source)
{
    if (!str_starts(source, "op://")) {
        return false;
    }
    for (size_t at = SCHEME, size; at < source.size; at += size) {
        char c = source.bytes[at];
        size = c == '$' ? variable_size(source, at) : 1;
        if (size == 0 || (c != '$' && !reference_is_part_character(c) && !is_one_of(c, "/?="))) {
            return false;
        }
    }
    return true;
}

/* op:/vault/item/field or OP://…, and no more: nobody means these very characters. */
static bool is_near_reference(struct str source)
{
    size_t near = SCHEME - 1;
    if (source.size <= near || str_starts(source, "op://") ||
        strncasecmp(source.bytes, "op:/", near) != 0) {
        return false;
    }
    while (near < source.size && (reference_is_part_character(source.bytes[near]) ||
                                  is_one_of(source.bytes[near], "/?="))) {
        near++;
    }
    return near == source.size;
}

static bool parse_whole(struct parser *parser)
{
    struct str source = parser->source;
    if (is_whole_reference(source)) {
        return add_reference(parser, 0, source.size);
    }
    if (is_near_reference(source)) {
        return error_set(parser->err, ERROR_TEMPLATE,
                         "a reference begins with op://; to mean these very characters, write "
                         "them in braces and quotes: {{ \"%.*s…\" }}",
                         SCHEME - 1, source.bytes);
    }
    return parse_spans(parser);
}

/* Gives the text its literals. */
static void settle(struct parser *parser)
{
    struct text *text = &parser->text;
    const char *at = text->storage = parser->storage.bytes;
    for (size_t i = 0; i < text->count; i++) {
        if (text->parts[i].kind == TEXT_LITERAL) {
            text->parts[i].literal.bytes = at;
            at += text->parts[i].literal.size;
        }
    }
}

bool text_parse(struct str source, const struct text_context *context, struct text *ret_text,
                struct place *ret_place, struct error *err)
{
    struct parser parser = {.source = source, .context = context, .err = err};
    const struct text_origin *origin = &context->origin;
    buf_init(&parser.storage, LIMIT_OUTPUT_FILE);
    parser.text.place = origin->locate(origin->context, 0);
    if (!(context->rule == TEXT_WHOLE ? parse_whole(&parser) : parse_spans(&parser))) {
        *ret_place = origin->locate(origin->context, parser.at);
        buf_done(&parser.storage);
        text_done(&parser.text);
        return false;
    }
    settle(&parser);
    *ret_text = parser.text;
    return true;
}

void text_done(struct text *text)
{
    for (size_t i = 0; i < text->spans_count; i++) {
        free(text->spans[i].filters);
    }
    free(text->spans);
    free(text->parts);
    free(text->storage);
    *text = (struct text){0};
}
