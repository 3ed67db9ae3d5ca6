#include "model/text.h"

#include <stdlib.h>
#include <string.h>

enum { SCHEME = sizeof("op://") - 1, BRACES = 2, SHOWN = 48 };

#define LITERAL_BRACES "a literal {{ is written {{ \"{{\" }}"

struct parser {
    struct str source;
    struct references *references;
    struct text_origin origin;
    struct text text;
    size_t capacity; /* of text.parts */
    size_t stored;   /* of text.storage, which is as large as the source */
    size_t at;       /* where the trouble is */
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

static bool add_part(struct parser *parser, const struct text_part *part)
{
    struct text *text = &parser->text;
    if (text->count == parser->capacity) {
        size_t capacity = parser->capacity ? parser->capacity * 2 : 1;
        struct text_part *parts = reallocarray(text->parts, capacity, sizeof(*parts));
        if (!parts) {
            return error_set(parser->err, ERROR_MEMORY, "out of memory");
        }
        text->parts = parts;
        parser->capacity = capacity;
    }
    text->parts[text->count++] = *part;
    return true;
}

/* Neighbouring literals become one. */
static bool add_literal(struct parser *parser, struct str literal)
{
    struct text *text = &parser->text;
    char *stored = text->storage + parser->stored;
    if (literal.size == 0) {
        return true;
    }
    memcpy(stored, literal.bytes, literal.size);
    parser->stored += literal.size;
    if (text->count > 0 && text->parts[text->count - 1].kind == TEXT_LITERAL) {
        text->parts[text->count - 1].literal.size += literal.size;
        return true;
    }
    return add_part(parser, &(struct text_part){.literal = {stored, literal.size}});
}

static bool add_reference(struct parser *parser, size_t from, size_t to)
{
    struct text_part part = {.kind = TEXT_REFERENCE};
    struct place place = parser->origin.locate(parser->origin.context, from);
    size_t wrong;
    parser->at = from;
    if (!references_intern(parser->references, str_slice(parser->source, from, to), place,
                           &part.reference, &wrong, parser->err)) {
        parser->at = from + wrong;
        return false;
    }
    return add_part(parser, &part);
}

/* What stands between the braces, for a message. */
static void show(struct parser *parser, size_t from, size_t to, char shown[SHOWN])
{
    str_print(str_trim(str_slice(parser->source, from, to)), shown, SHOWN);
}

/* `at` is where `| filter` or `}}` is due, and *ret_next will be what follows the braces. There are
 * no filters yet: a table of them belongs here. */
static bool close_braces(struct parser *parser, size_t at, size_t *ret_next)
{
    struct str source = parser->source;
    char shown[SHOWN];
    at = skip_blanks(source, at);
    if (starts_at(source, at, "|")) {
        size_t end = at + 1;
        while (end < source.size && !is_one_of(source.bytes[end], "|}\n")) {
            end++;
        }
        parser->at = skip_blanks(source, at + 1);
        show(parser, at + 1, end, shown);
        return error_set(parser->err, ERROR_TEMPLATE,
                         "unknown filter \"%s\"; this version has no filters", shown);
    }
    if (!starts_at(source, at, "}}")) {
        parser->at = at;
        return error_set(parser->err, ERROR_TEMPLATE, "expected }} here");
    }
    *ret_next = at + BRACES;
    return true;
}

/* {{ "literal" }}: `quote` is the offset of the first one. */
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
            return close_braces(parser, at + 1, ret_next);
        }
        from = ++at;
    }
    parser->at = quote;
    return error_set(parser->err, ERROR_TEMPLATE, "this quote is not closed");
}

static bool refuse_unclosed(struct parser *parser, size_t open)
{
    parser->at = open;
    return error_set(parser->err, ERROR_TEMPLATE, "this {{ is not closed by }}; " LITERAL_BRACES);
}

/* {{ op://… }}: `from` is the offset of the reference. */
static bool parse_enclosed(struct parser *parser, size_t open, size_t from, size_t *ret_next)
{
    struct str source = parser->source;
    size_t end = from;
    while (end < source.size && source.bytes[end] != '|' && !starts_at(source, end, "}}")) {
        if (starts_at(source, end, "{{")) {
            return refuse_unclosed(parser, open);
        }
        end++;
    }
    if (end == source.size) {
        return refuse_unclosed(parser, open);
    }
    size_t size = str_trim(str_slice(source, from, end)).size;
    return add_reference(parser, from, from + size) && close_braces(parser, end, ret_next);
}

static bool parse_braces(struct parser *parser, size_t open, size_t *ret_next)
{
    struct str source = parser->source;
    size_t inner = skip_blanks(source, open + BRACES);
    size_t close = str_find(source, inner, "}}");
    char shown[SHOWN];
    if (starts_at(source, inner, "\"")) {
        return parse_literal(parser, inner, ret_next);
    }
    if (starts_at(source, inner, "op://")) {
        return parse_enclosed(parser, open, inner, ret_next);
    }
    if (close == source.size) {
        return refuse_unclosed(parser, open);
    }
    parser->at = open;
    show(parser, inner, close, shown);
    return error_set(parser->err, ERROR_TEMPLATE,
                     "{{ %s }} is neither a reference, {{ op://vault/item/field }}, nor a literal, "
                     "{{ \"text\" }}; " LITERAL_BRACES,
                     shown);
}

/* op://… without braces: ends where op inject ends it. A variable is refused, because a version
 * that knows them reads the reference on. */
static bool parse_bare(struct parser *parser, size_t from, size_t *ret_next)
{
    struct str source = parser->source;
    size_t end = from + SCHEME;
    while (end < source.size &&
           (is_alphanumeric(source.bytes[end]) || is_one_of(source.bytes[end], "-?_./="))) {
        end++;
    }
    *ret_next = end;
    if (starts_at(source, end, "$") && end + 1 < source.size &&
        (is_alphanumeric(source.bytes[end + 1]) || is_one_of(source.bytes[end + 1], "_{"))) {
        parser->at = end;
        return error_set(parser->err, ERROR_TEMPLATE,
                         "variables in a reference are not supported by this version");
    }
    return add_reference(parser, from, end);
}

static bool is_bare(struct str source, size_t at)
{
    return starts_at(source, at, "op://") &&
           (at == 0 ||
            !(is_alphanumeric(source.bytes[at - 1]) || is_one_of(source.bytes[at - 1], "-+\\.")));
}

static bool parse_spans(struct parser *parser)
{
    struct str source = parser->source;
    size_t literal = 0;
    for (size_t at = 0; at < source.size;) {
        bool braces = starts_at(source, at, "{{");
        if (!braces && !is_bare(source, at)) {
            at++;
            continue;
        }
        if (!add_literal(parser, str_slice(source, literal, at)) ||
            !(braces ? parse_braces(parser, at, &at) : parse_bare(parser, at, &at))) {
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
    for (size_t at = SCHEME; at < source.size; at++) {
        char c = source.bytes[at];
        if (!reference_is_part_character(c) && !is_one_of(c, "/?=")) {
            return false;
        }
    }
    return true;
}

bool text_parse(struct str source, enum text_rule rule, struct references *references,
                struct text_origin origin, struct text *ret_text, struct place *ret_place,
                struct error *err)
{
    struct parser parser = {
        .source = source, .references = references, .origin = origin, .err = err};
    parser.text.storage = malloc(source.size + 1);
    bool whole = rule == TEXT_WHOLE && is_whole_reference(source);
    if (!parser.text.storage) {
        *ret_place = origin.locate(origin.context, 0);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!(whole ? add_reference(&parser, 0, source.size) : parse_spans(&parser))) {
        *ret_place = origin.locate(origin.context, parser.at);
        text_done(&parser.text);
        return false;
    }
    *ret_text = parser.text;
    return true;
}

void text_done(struct text *text)
{
    free(text->parts);
    free(text->storage);
    *text = (struct text){0};
}

bool text_is_reference(const struct text *text, size_t *ret_reference)
{
    if (text->count != 1 || text->parts[0].kind != TEXT_REFERENCE) {
        return false;
    }
    *ret_reference = text->parts[0].reference;
    return true;
}
