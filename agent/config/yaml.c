#include "config/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config/syntax.h"

struct reader {
    yaml_parser_t parser;
    struct str source;
    const char *file;
    struct findings *findings;
    size_t nodes;
    size_t index; /* a place in the source, counted in characters … */
    size_t at;    /* … and in bytes */
};

#define EVENT_AUTO __attribute__((cleanup(yaml_event_delete))) yaml_event_t

static struct place place_of(const struct reader *reader, yaml_mark_t mark)
{
    return (struct place){reader->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static void refuse(struct reader *reader, const yaml_event_t *event, const char *words)
{
    findings_format(reader->findings, place_of(reader, event->start_mark), ERROR_TEMPLATE, "%s",
                    words);
}

/* False when there is no next one, which the findings explain. */
static bool next_event(struct reader *reader, yaml_event_t *event)
{
    if (!yaml_parser_parse(&reader->parser, event)) {
        syntax_explain(&reader->parser, reader->source, reader->file, reader->findings);
        return false;
    }
    return true;
}

/* libyaml counts characters. Events come in order, so the whole source is walked but once. */
static size_t byte_offset(struct reader *reader, size_t index)
{
    struct str source = reader->source;
    if (index < reader->index) {
        reader->index = reader->at = 0;
    }
    while (reader->index < index && reader->at < source.size) {
        do {
            reader->at++;
        } while (reader->at < source.size &&
                 ((unsigned char)source.bytes[reader->at] & 0xc0) == 0x80);
        reader->index++;
    }
    return reader->at;
}

static struct yaml_node *make_node(struct reader *reader, const yaml_event_t *event,
                                   enum yaml_kind kind, struct str text)
{
    if (++reader->nodes > LIMIT_TEMPLATE_NODES) {
        refuse(reader, event, "the template has too many entries");
        return NULL;
    }
    struct yaml_node *node = calloc(1, sizeof(*node) + text.size + 1);
    if (!node) {
        findings_format(reader->findings, place_of(reader, event->start_mark), ERROR_MEMORY,
                        "out of memory");
        return NULL;
    }
    node->kind = kind;
    node->place = place_of(reader, event->start_mark);
    if (text.size > 0) {
        memcpy(node->storage, text.bytes, text.size);
    }
    node->text = (struct str){node->storage, text.size};
    return node;
}

static void refuse_decoration(struct reader *reader, const yaml_event_t *event, const void *anchor,
                              const void *tag)
{
    if (anchor) {
        refuse(reader, event, "anchors are not supported; write the value where it is needed");
    }
    if (tag) {
        refuse(reader, event, "tags are not supported; put a string that begins with ! in quotes");
    }
}

static enum yaml_style style_of(const yaml_event_t *event)
{
    switch (event->data.scalar.style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return YAML_SINGLE;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return YAML_DOUBLE;
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE:
        return YAML_BLOCK;
    default:
        return YAML_PLAIN;
    }
}

static struct yaml_node *read_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    bool has_nul = text.size > 0 && memchr(text.bytes, '\0', text.size);
    refuse_decoration(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (has_nul) {
        refuse(reader, event, "a string cannot hold a NUL character");
    }
    struct yaml_node *node = make_node(reader, event, has_nul ? YAML_BROKEN : YAML_SCALAR, text);
    if (node) {
        size_t from = byte_offset(reader, event->start_mark.index);
        size_t to = byte_offset(reader, event->end_mark.index);
        node->style = style_of(event);
        node->source = str_slice(reader->source, from, to);
    }
    return node;
}

static bool read_node(struct reader *reader, const yaml_event_t *event, unsigned depth,
                      struct yaml_node **ret_node);

static bool read_sequence(struct reader *reader, struct yaml_node *sequence, unsigned depth)
{
    struct yaml_node **end = &sequence->first;
    for (;;) {
        EVENT_AUTO event = {.type = YAML_NO_EVENT};
        if (!next_event(reader, &event)) {
            return false;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            return true;
        }
        if (!read_node(reader, &event, depth, end)) {
            return false;
        }
        end = &(*end)->next;
        sequence->count++;
    }
}

static void check_key(struct reader *reader, const struct yaml_node *key, struct yaml_node *mapping)
{
    if (key->kind == YAML_MAPPING) { /* { {…}: … }: what {{ means to YAML */
        findings_format(reader->findings, key->place, ERROR_TEMPLATE,
                        "a key must be a string; a value that begins with {{ must be in quotes");
        mapping->kind = YAML_BROKEN;
    } else if (key->kind == YAML_SEQUENCE || yaml_is_null(key)) {
        findings_format(reader->findings, key->place, ERROR_TEMPLATE, "a key must be a string");
    }
}

/* Reads a key, which begins with `event`, and what belongs to it: the mapping's next child. */
static bool read_entry(struct reader *reader, const yaml_event_t *event, unsigned depth,
                       struct yaml_node *mapping, struct yaml_node **ret_node)
{
    YAML_NODE_AUTO key = NULL;
    EVENT_AUTO value = {.type = YAML_NO_EVENT};
    if (!read_node(reader, event, depth, &key) || !next_event(reader, &value) ||
        !read_node(reader, &value, depth, ret_node)) {
        return false;
    }
    check_key(reader, key, mapping);
    if (key->kind != YAML_SCALAR || yaml_is_null(key)) {
        (*ret_node)->kind = YAML_BROKEN;
    }
    (*ret_node)->key = key;
    key = NULL;
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const struct yaml_node *left = (*(const struct yaml_node *const *)a)->key;
    const struct yaml_node *right = (*(const struct yaml_node *const *)b)->key;
    int order = strcmp(left->storage, right->storage);
    if (order == 0) {
        order =
            (left->source.bytes > right->source.bytes) - (left->source.bytes < right->source.bytes);
    }
    return order;
}

/* Sorted, because a mapping may be large. */
static bool refuse_duplicates(struct reader *reader, const struct yaml_node *mapping)
{
    struct yaml_node **sorted = calloc(mapping->count + 1, sizeof(*sorted));
    size_t count = 0;
    if (!sorted) {
        findings_format(reader->findings, mapping->place, ERROR_MEMORY, "out of memory");
        return false;
    }
    for (struct yaml_node *child = mapping->first; child; child = child->next) {
        if (child->key->kind == YAML_SCALAR) {
            sorted[count++] = child;
        }
    }
    qsort(sorted, count, sizeof(*sorted), compare_keys);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (!str_equal(sorted[i]->key->text, sorted[first]->key->text)) {
            first = i;
            continue;
        }
        findings_format(reader->findings, sorted[i]->key->place, ERROR_TEMPLATE,
                        "duplicate key \"%s\"; the first is on line %u", sorted[i]->key->storage,
                        sorted[first]->key->place.line);
        sorted[i]->kind = YAML_BROKEN;
    }
    free(sorted);
    return true;
}

static bool read_mapping(struct reader *reader, struct yaml_node *mapping, unsigned depth)
{
    struct yaml_node **end = &mapping->first;
    for (;;) {
        EVENT_AUTO event = {.type = YAML_NO_EVENT};
        if (!next_event(reader, &event)) {
            return false;
        }
        if (event.type == YAML_MAPPING_END_EVENT) {
            return refuse_duplicates(reader, mapping);
        }
        if (!read_entry(reader, &event, depth, mapping, end)) {
            return false;
        }
        end = &(*end)->next;
        mapping->count++;
    }
}

static bool read_collection(struct reader *reader, const yaml_event_t *event, unsigned depth,
                            struct yaml_node **ret_node)
{
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    if (list) {
        refuse_decoration(reader, event, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
    } else {
        refuse_decoration(reader, event, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
    }
    if (depth == LIMIT_TEMPLATE_DEPTH) {
        refuse(reader, event, "nested too deeply");
        return false;
    }
    *ret_node = make_node(reader, event, list ? YAML_SEQUENCE : YAML_MAPPING, (struct str){0});
    return *ret_node && (list ? read_sequence(reader, *ret_node, depth + 1)
                              : read_mapping(reader, *ret_node, depth + 1));
}

/* *ret_node, which is part of the tree at once, may be there on failure too. */
static bool read_node(struct reader *reader, const yaml_event_t *event, unsigned depth,
                      struct yaml_node **ret_node)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        *ret_node = read_scalar(reader, event);
        return *ret_node;
    case YAML_ALIAS_EVENT:
        refuse(reader, event,
               "aliases are not supported; put a string that begins with * in quotes");
        *ret_node = make_node(reader, event, YAML_BROKEN, (struct str){0});
        return *ret_node;
    default:
        return read_collection(reader, event, depth, ret_node);
    }
}

static bool read_stream(struct reader *reader, struct yaml_node **ret_node)
{
    for (;;) {
        EVENT_AUTO event = {.type = YAML_NO_EVENT};
        if (!next_event(reader, &event)) {
            return false;
        }
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_STREAM_END_EVENT:
            return true;
        case YAML_DOCUMENT_START_EVENT:
            if (*ret_node) {
                refuse(reader, &event, "a second document begins here; a template has one");
                return true;
            }
            break;
        default:
            if (!read_node(reader, &event, 0, ret_node)) {
                return false;
            }
        }
    }
}

static struct yaml_node *read_root(struct reader *reader)
{
    YAML_NODE_AUTO root = NULL;
    if (!read_stream(reader, &root)) {
        return NULL;
    }
    if (!root || yaml_is_null(root)) {
        findings_format(reader->findings, (struct place){reader->file, 0, 0}, ERROR_TEMPLATE,
                        "the template is empty; it begins with \"version: 1\"");
        return NULL;
    }
    struct yaml_node *given = root;
    root = NULL;
    return given;
}

struct yaml_node *yaml_read(const char *file, struct str source, struct findings *findings)
{
    struct reader reader = {.source = source, .file = file, .findings = findings};
    if (str_starts(source, "\xef\xbb\xbf")) { /* a byte order mark is no column */
        reader.source = str_slice(source, 3, source.size);
    }
    if (!yaml_parser_initialize(&reader.parser)) {
        findings_format(findings, (struct place){file, 0, 0}, ERROR_MEMORY, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    const char *bytes = reader.source.size ? reader.source.bytes : "";
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, reader.source.size);
    struct yaml_node *root = read_root(&reader);
    yaml_parser_delete(&reader.parser);
    return root;
}

void yaml_node_free(struct yaml_node *node)
{
    while (node) {
        struct yaml_node *next = node->next;
        yaml_node_free(node->first);
        yaml_node_free(node->key);
        free(node);
        node = next;
    }
}

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
    const struct yaml_node *child = mapping->first;
    while (child &&
           !(child->key && child->key->kind == YAML_SCALAR && str_is(child->key->text, key))) {
        child = child->next;
    }
    return child;
}

bool yaml_is_null(const struct yaml_node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (node->kind == YAML_SCALAR && node->style == YAML_PLAIN &&
            str_is(node->text, words[i])) {
            return true;
        }
    }
    return false;
}

const char *yaml_describe(const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR) {
        return yaml_is_null(node) ? "nothing" : "text";
    }
    return node->kind == YAML_SEQUENCE ? "a list" : "a mapping";
}

const char *yaml_library_version(void)
{
    return yaml_get_version_string();
}
