#include "model/text.h"

#include <stdlib.h>
#include <string.h>

/* A text being taken apart. `storage` never needs more than the source has. */
struct parser {
    struct str source;
    size_t at;
    struct references *references;
    struct place place;
    struct text text;
    size_t capacity;
    size_t stored;  /* bytes used of storage */
    size_t literal; /* where the literal under construction begins in storage */
};

static bool reserve_part(struct parser *parser, struct error *err)
{
    if (parser->text.count < parser->capacity) {
        return true;
    }
    size_t capacity = parser->capacity ? parser->capacity * 2 : 4;
    struct text_part *parts = reallocarray(parser->text.parts, capacity, sizeof(*parts));
    if (!parts) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    parser->text.parts = parts;
    parser->capacity = capacity;
    return true;
}

static void store(struct parser *parser, char c)
{
    parser->text.storage[parser->stored++] = c;
}

/* Ends the literal under construction, if it holds anything. */
static bool flush(struct parser *parser, struct error *err)
{
    struct str literal = {parser->text.storage + parser->literal, parser->stored - parser->literal};
    if (literal.size == 0) {
        return true;
    }
    if (!reserve_part(parser, err)) {
        return false;
    }
    parser->text.parts[parser->text.count++] =
        (struct text_part){.kind = TEXT_LITERAL, .literal = literal};
    parser->literal = parser->stored;
    return true;
}

/* The reference from `from` to `to` of the source; on failure `at` is at the offending character.
 */
static bool add_reference(struct parser *parser, size_t from, size_t to, struct error *err)
{
    size_t index;
    size_t wrong = 0;
    struct str written = str_slice(parser->source, from, to);
    if (!flush(parser, err) || !reserve_part(parser, err)) {
        return false;
    }
    if (!references_intern(parser->references, written, parser->place, &index, &wrong, err)) {
        parser->at = from + wrong;
        return false;
    }
    parser->text.parts[parser->text.count++] =
        (struct text_part){.kind = TEXT_REFERENCE, .reference = index};
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t skip_blanks(struct str source, size_t at)
{
    while (at < source.size && is_blank(source.bytes[at])) {
        at++;
    }
    return at;
}

static bool starts_at(struct str source, size_t at, const char *prefix)
{
    return str_starts(str_slice(source, at, source.size), prefix);
}

static bool fail_unclosed(struct error *err)
{
    return error_set(err, ERROR_TEMPLATE,
                     "\"{{\" is not closed by \"}}\"; a literal one is written {{ \"{{\" }}");
}

/* {{ "literal" }}: `at` is after the opening quote. */
static bool parse_literal(struct parser *parser, size_t at, struct error *err)
{
    struct str source = parser->source;
    for (; at < source.size && source.bytes[at] != '"'; at++) {
        if (source.bytes[at] == '\\' && at + 1 < source.size && source.bytes[at + 1] == '"') {
            at++;
        }
        store(parser, source.bytes[at]);
    }
    at = skip_blanks(source, at + 1);
    if (!starts_at(source, at, "}}")) {
        return fail_unclosed(err);
    }
    parser->at = at + 2;
    return true;
}

/* {{ op://… }} or {{ op://… | filter }}: `from` is at the reference. */
static bool parse_enclosed(struct parser *parser, size_t from, struct error *err)
{
    struct str source = parser->source;
    size_t close = str_find(source, from, "}}");
    size_t line = str_find(source, from, "\n");
    if (close == source.size || line < close) {
        return fail_unclosed(err);
    }
    size_t pipe = str_find(source, from, "|");
    size_t end = pipe < close ? pipe : close;
    size_t trimmed = from + str_trim(str_slice(source, from, end)).size;
    if (!add_reference(parser, from, trimmed, err)) {
        return false;
    }
    if (pipe < close) {
        struct str filter = str_trim(str_slice(source, pipe + 1, close));
        parser->at = skip_blanks(source, pipe + 1);
        return error_set(err, ERROR_TEMPLATE, "unknown filter \"%.*s\"; this version has none",
                         (int)(filter.size < 64 ? filter.size : 64), filter.bytes);
    }
    parser->at = close + 2;
    return true;
}

static bool parse_braces(struct parser *parser, struct error *err)
{
    size_t inside = skip_blanks(parser->source, parser->at + 2);
    if (starts_at(parser->source, inside, "\"")) {
        return parse_literal(parser, inside + 1, err);
    }
    if (starts_at(parser->source, inside, "op://")) {
        return parse_enclosed(parser, inside, err);
    }
    return error_set(
        err, ERROR_TEMPLATE,
        "after \"{{\" comes a reference (op://…) or a quoted literal; a literal \"{{\" is "
        "written {{ \"{{\" }}");
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* op inject's rule: not glued to a word. */
static bool may_begin_bare(struct str source, size_t at)
{
    char before = at > 0 ? source.bytes[at - 1] : ' ';
    return starts_at(source, at, "op://") && !is_alphanumeric(before) && !strchr("-+\\.", before);
}

static size_t end_of_bare(struct str source, size_t at)
{
    at += sizeof("op://") - 1;
    while (at < source.size && (is_alphanumeric(source.bytes[at]) ||
                                (source.bytes[at] != '\0' && strchr("-?_./=", source.bytes[at])))) {
        at++;
    }
    return at;
}

static bool parse_bare(struct parser *parser, struct error *err)
{
    size_t from = parser->at;
    size_t end = end_of_bare(parser->source, from);
    if (!add_reference(parser, from, end, err)) {
        return false;
    }
    parser->at = end;
    return true;
}

/* A string that is nothing but a reference: every character could be one's. */
static bool is_whole_reference(struct str source)
{
    if (!str_starts(source, "op://")) {
        return false;
    }
    for (size_t at = sizeof("op://") - 1; at < source.size; at++) {
        char c = source.bytes[at];
        if (!reference_is_part_character(c) && c != '/' && c != '?' && c != '=') {
            return false;
        }
    }
    return true;
}

static bool parse_spans(struct parser *parser, struct error *err)
{
    while (parser->at < parser->source.size) {
        bool ok = true;
        if (starts_at(parser->source, parser->at, "{{")) {
            ok = parse_braces(parser, err);
        } else if (may_begin_bare(parser->source, parser->at)) {
            ok = parse_bare(parser, err);
        } else {
            store(parser, parser->source.bytes[parser->at++]);
        }
        if (!ok) {
            return false;
        }
    }
    return flush(parser, err);
}

bool text_parse(struct str source, enum text_rule rule, struct references *references,
                struct place place, struct text *ret_text, size_t *ret_at, struct error *err)
{
    struct parser parser = {.source = source, .references = references, .place = place};
    parser.text.storage = malloc(source.size + 1);
    *ret_at = 0;
    if (!parser.text.storage) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    bool whole = rule == TEXT_WHOLE && is_whole_reference(source);
    if (whole ? !add_reference(&parser, 0, source.size, err) : !parse_spans(&parser, err)) {
        *ret_at = parser.at;
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
