#include "config/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
    const char *file;
    struct str source;
    struct findings *findings;
    yaml_parser_t parser;
    yaml_event_t event;
    size_t nodes;
};

static struct yaml_node *read_node(struct reader *reader, size_t depth);

static struct place place_of(const struct reader *reader, yaml_mark_t mark)
{
    return (struct place){reader->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static void *fail(struct reader *reader, struct place place, const char *text)
{
    findings_format(reader->findings, place, ERROR_TEMPLATE, "%s", text);
    return NULL;
}

static void *fail_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    struct place place = place_of(reader, parser->problem_mark);
    if (parser->error == YAML_MEMORY_ERROR) {
        findings_format(reader->findings, place, ERROR_MEMORY, "out of memory");
    } else if (parser->error == YAML_READER_ERROR) {
        place = (struct place){reader->file, 0, 0};
        findings_format(reader->findings, place, ERROR_TEMPLATE, "not UTF-8 text: %s at byte %zu",
                        parser->problem, parser->problem_offset);
    } else {
        findings_format(reader->findings, place, ERROR_TEMPLATE, "not YAML: %s%s%s",
                        parser->problem ? parser->problem : "cannot be read",
                        parser->context ? ", " : "", parser->context ? parser->context : "");
    }
    return NULL;
}

static bool next_event(struct reader *reader)
{
    yaml_event_delete(&reader->event);
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        memset(&reader->event, 0, sizeof(reader->event));
        return fail_syntax(reader) != NULL;
    }
    return true;
}

static struct yaml_node *make_node(struct reader *reader, enum yaml_kind kind)
{
    struct place place = place_of(reader, reader->event.start_mark);
    if (++reader->nodes > LIMIT_TEMPLATE_NODES) {
        return fail(reader, place, "the template has too many entries");
    }
    struct yaml_node *node = calloc(1, sizeof(*node));
    if (!node) {
        return fail(reader, place, "out of memory");
    }
    node->kind = kind;
    node->place = place;
    return node;
}

static bool check_decorations(struct reader *reader, const void *anchor, const void *tag)
{
    struct place place = place_of(reader, reader->event.start_mark);
    if (anchor) {
        return fail(reader, place, "anchors are not allowed; write the value again") != NULL;
    }
    if (tag) {
        return fail(reader, place, "tags are not allowed; write the value without !") != NULL;
    }
    return true;
}

static struct yaml_node *read_scalar(struct reader *reader)
{
    const yaml_event_t *event = &reader->event;
    if (!check_decorations(reader, event->data.scalar.anchor, event->data.scalar.tag)) {
        return NULL;
    }
    struct yaml_node *node = make_node(reader, YAML_SCALAR);
    char *text = malloc(event->data.scalar.length + 1);
    if (!node || !text) {
        free(node);
        free(text);
        return NULL;
    }
    memcpy(text, event->data.scalar.value, event->data.scalar.length + 1);
    node->text = (struct str){text, event->data.scalar.length};
    switch (event->data.scalar.style) {
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE:
        node->style = YAML_BLOCK;
        break;
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        node->style = YAML_QUOTED;
        break;
    default:
        node->style = YAML_PLAIN;
    }
    size_t written = event->end_mark.index - event->start_mark.index;
    node->is_exact = event->start_mark.line == event->end_mark.line && str_is_utf8(node->text) &&
                     written == node->text.size + (node->style == YAML_QUOTED ? 2 : 0);
    return node;
}

static void append(struct yaml_node *parent, struct yaml_node *child)
{
    if (parent->last) {
        parent->last->next = child;
    } else {
        parent->first = child;
    }
    parent->last = child;
    parent->count++;
}

static bool check_key(struct reader *reader, const struct yaml_node *mapping,
                      const struct yaml_node *key)
{
    if (key->kind != YAML_SCALAR) {
        return fail(reader, key->place, "a key must be text") != NULL;
    }
    for (const struct yaml_node *child = mapping->first; child; child = child->next) {
        if (str_equal(child->key->text, key->text)) {
            findings_format(reader->findings, key->place, ERROR_TEMPLATE,
                            "the key \"%s\" is already on line %u", key->text.bytes,
                            child->key->place.line);
            return false;
        }
    }
    return true;
}

static bool read_pair(struct reader *reader, struct yaml_node *mapping, size_t depth)
{
    struct yaml_node *key = read_node(reader, depth);
    if (!key) {
        return false;
    }
    struct yaml_node *value = NULL;
    if (check_key(reader, mapping, key) && next_event(reader)) {
        value = read_node(reader, depth);
    }
    if (!value) {
        yaml_node_free(key);
        return false;
    }
    value->key = key;
    append(mapping, value);
    return true;
}

static bool read_element(struct reader *reader, struct yaml_node *sequence, size_t depth)
{
    struct yaml_node *value = read_node(reader, depth);
    if (value) {
        append(sequence, value);
    }
    return value != NULL;
}

static struct yaml_node *read_collection(struct reader *reader, enum yaml_kind kind, size_t depth)
{
    bool mapping = kind == YAML_MAPPING;
    yaml_event_type_t end = mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    const yaml_event_t *event = &reader->event;
    if (!check_decorations(
            reader, mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
            mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag)) {
        return NULL;
    }
    if (depth >= LIMIT_TEMPLATE_DEPTH) {
        return fail(reader, place_of(reader, event->start_mark), "nested too deeply");
    }
    struct yaml_node *node = make_node(reader, kind);
    if (!node) {
        return NULL;
    }
    while (next_event(reader)) {
        if (reader->event.type == end) {
            return node;
        }
        if (mapping ? !read_pair(reader, node, depth + 1)
                    : !read_element(reader, node, depth + 1)) {
            break;
        }
    }
    yaml_node_free(node);
    return NULL;
}

static struct yaml_node *read_node(struct reader *reader, size_t depth)
{
    switch (reader->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader);
    case YAML_SEQUENCE_START_EVENT:
        return read_collection(reader, YAML_SEQUENCE, depth);
    case YAML_MAPPING_START_EVENT:
        return read_collection(reader, YAML_MAPPING, depth);
    default:
        return fail(reader, place_of(reader, reader->event.start_mark),
                    "aliases are not allowed; write the value again");
    }
}

/* Stream start, document start, the node, document end, stream end. */
static struct yaml_node *read_document(struct reader *reader)
{
    struct place start = {reader->file, 0, 0};
    if (!next_event(reader) || !next_event(reader)) {
        return NULL;
    }
    if (reader->event.type == YAML_STREAM_END_EVENT) {
        return fail(reader, start, "the template is empty; begin with: version: 1");
    }
    if (!next_event(reader)) {
        return NULL;
    }
    struct yaml_node *node = read_node(reader, 0);
    if (node && next_event(reader) && next_event(reader)) {
        if (reader->event.type == YAML_STREAM_END_EVENT) {
            return node;
        }
        fail(reader, place_of(reader, reader->event.start_mark),
             "a second document begins here; a template is one");
    }
    yaml_node_free(node);
    return NULL;
}

struct yaml_node *yaml_read(const char *file, struct str source, struct findings *findings)
{
    struct reader reader = {.file = file, .source = source, .findings = findings};
    if (!yaml_parser_initialize(&reader.parser)) {
        return fail(&reader, (struct place){file, 0, 0}, "out of memory");
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    const char *bytes = source.bytes ? source.bytes : ""; /* an empty file */
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, source.size);
    struct yaml_node *node = read_document(&reader);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return node;
}

static void free_text(struct str text)
{
    char *bytes;
    memcpy(&bytes, &text.bytes, sizeof(bytes)); /* owned, though a str says const */
    free(bytes);
}

void yaml_node_free(struct yaml_node *node)
{
    while (node) {
        struct yaml_node *next = node->next;
        yaml_node_free(node->first);
        yaml_node_free(node->key);
        free_text(node->text);
        free(node);
        node = next;
    }
}

struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
    struct yaml_node *child = mapping->first;
    while (child && !str_is(child->key->text, key)) {
        child = child->next;
    }
    return child;
}

bool yaml_is_null(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && node->style == YAML_PLAIN &&
           (node->text.size == 0 || str_is(node->text, "~") || str_is(node->text, "null"));
}

const char *yaml_describe(const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR) {
        return yaml_is_null(node) ? "nothing" : "text";
    }
    return node->kind == YAML_SEQUENCE ? "a list" : "a mapping";
}

static size_t line_start(struct str source, unsigned line)
{
    size_t at = 0;
    for (unsigned n = 1; n < line && at < source.size; n++) {
        at = str_find(source, at, "\n") + 1;
    }
    return at;
}

/* Line and column in a block scalar: its first line is the one after `|`, which nothing but blank
 * lines can precede, and its indentation is that of its first line with text. */
static struct place place_in_block(const struct yaml_node *scalar, struct str source, size_t offset)
{
    struct place place = scalar->place;
    size_t content = line_start(source, place.line + 1);
    size_t indent = 0;
    size_t column = 0;
    for (size_t at = content; at < source.size && source.bytes[at] != '\0'; at++) {
        if (source.bytes[at] == '\n') {
            indent = 0;
        } else if (source.bytes[at] == ' ') {
            indent++;
        } else {
            break;
        }
    }
    for (size_t at = 0; at < offset && at < scalar->text.size; at++) {
        bool ends = scalar->text.bytes[at] == '\n';
        place.line += ends;
        column = ends ? 0 : column + 1;
    }
    place.line++;
    place.column = (unsigned)(indent + column + 1);
    return place;
}

struct place yaml_place_in(const struct yaml_node *scalar, struct str source, size_t offset)
{
    struct place place = scalar->place;
    if (scalar->style == YAML_BLOCK) {
        return place_in_block(scalar, source, offset);
    }
    if (scalar->is_exact) {
        place.column += (unsigned)offset + (scalar->style == YAML_QUOTED);
    }
    return place;
}

const char *yaml_library_version(void)
{
    return yaml_get_version_string();
}
