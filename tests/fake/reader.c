#include "reader.h"

#include "base.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READER_FILE_LIMIT ((size_t)64 << 20)
#define READER_DEPTH_LIMIT 64

static void parser_failure(struct reader *reader, const yaml_parser_t *parser)
{
    snprintf(reader->error, sizeof reader->error, "%s:%zu:%zu: %s", reader->path,
             parser->problem_mark.line + 1, parser->problem_mark.column + 1,
             parser->problem != NULL ? parser->problem : "not YAML");
    reader->failed = true;
}

bool reader_init(struct reader *reader, const char *path)
{
    *reader = (struct reader){.path = path};
    size_t n = 0;
    char *bytes = file_read(path, READER_FILE_LIMIT, &n);
    if (bytes == NULL) {
        snprintf(reader->error, sizeof reader->error, "%s: %s", path, strerror(errno));
        reader->failed = true;
        return false;
    }
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        abort();
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, n);
    if (!yaml_parser_load(&parser, &reader->document)) {
        reader->document = (yaml_document_t){0};
        parser_failure(reader, &parser);
    }
    yaml_parser_delete(&parser);
    free(bytes);
    return !reader->failed;
}

void reader_done(struct reader *reader)
{
    yaml_document_delete(&reader->document);
}

void reader_fail(struct reader *reader, const yaml_node_t *node, const char *format, ...)
{
    if (reader->failed) {
        return;
    }
    char what[384];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(reader->error, sizeof reader->error, "%s:%zu:%zu: %s", reader->path,
             node->start_mark.line + 1, node->start_mark.column + 1, what);
    reader->failed = true;
}

yaml_node_t *reader_root(struct reader *reader)
{
    if (reader->failed) {
        return NULL;
    }
    yaml_node_t *root = yaml_document_get_root_node(&reader->document);
    if (root == NULL) {
        snprintf(reader->error, sizeof reader->error, "%s:1:1: the file is empty", reader->path);
        reader->failed = true;
    }
    return root;
}

static bool names_hold(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = names; n > 0 && (at = strstr(at, name)) != NULL; at += n) {
        bool begins = at == names || at[-1] == ' ';
        if (begins && (at[n] == ' ' || at[n] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool is_twice(struct reader *reader, yaml_node_t *map, yaml_node_pair_t *pair)
{
    yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
        yaml_node_t *other = yaml_document_get_node(&reader->document, p->key);
        if (strcmp((char *)other->data.scalar.value, (char *)key->data.scalar.value) == 0) {
            return true;
        }
    }
    return false;
}

static void check_keys(struct reader *reader, yaml_node_t *map, const char *names)
{
    if (reader->failed || map == NULL) {
        return;
    }
    if (map->type != YAML_MAPPING_NODE) {
        reader_fail(reader, map, "expected a mapping");
        return;
    }
    yaml_node_pair_t *pair = map->data.mapping.pairs.start;
    for (; pair < map->data.mapping.pairs.top && !reader->failed; pair++) {
        yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
        if (key->type != YAML_SCALAR_NODE) {
            reader_fail(reader, key, "expected a name as the key");
        } else if (names != NULL && !names_hold(names, (char *)key->data.scalar.value)) {
            reader_fail(reader, key, "unknown key \"%s\", known are: %s",
                        (char *)key->data.scalar.value, names);
        } else if (is_twice(reader, map, pair)) {
            reader_fail(reader, key, "key \"%s\" a second time", (char *)key->data.scalar.value);
        }
    }
}

void reader_keys(struct reader *reader, yaml_node_t *map, const char *names)
{
    check_keys(reader, map, names);
}

yaml_node_t *reader_get(struct reader *reader, yaml_node_t *map, const char *key)
{
    if (reader->failed || map == NULL || map->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    yaml_node_pair_t *pair = map->data.mapping.pairs.start;
    for (; pair < map->data.mapping.pairs.top; pair++) {
        yaml_node_t *name = yaml_document_get_node(&reader->document, pair->key);
        if (strcmp((char *)name->data.scalar.value, key) == 0) {
            return yaml_document_get_node(&reader->document, pair->value);
        }
    }
    return NULL;
}

const char *reader_scalar(struct reader *reader, yaml_node_t *node)
{
    if (reader->failed || node == NULL) {
        return NULL;
    }
    if (node->type != YAML_SCALAR_NODE) {
        reader_fail(reader, node, "expected a text");
        return NULL;
    }
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) {
        reader_fail(reader, node, "a NUL byte in the text");
        return NULL;
    }
    return text;
}

const char *reader_text(struct reader *reader, yaml_node_t *map, const char *key)
{
    return reader_scalar(reader, reader_get(reader, map, key));
}

int64_t reader_number(struct reader *reader, yaml_node_t *map, const char *key, int64_t otherwise)
{
    const char *text = reader_text(reader, map, key);
    if (text == NULL) {
        return otherwise;
    }
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < 0) {
        reader_fail(reader, reader_get(reader, map, key), "\"%s\" is not a whole number", text);
        return otherwise;
    }
    return number;
}

size_t reader_count(struct reader *reader, yaml_node_t *list)
{
    if (reader->failed || list == NULL) {
        return 0;
    }
    if (list->type != YAML_SEQUENCE_NODE) {
        reader_fail(reader, list, "expected a list");
        return 0;
    }
    return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

yaml_node_t *reader_at(struct reader *reader, yaml_node_t *list, size_t i)
{
    return yaml_document_get_node(&reader->document, list->data.sequence.items.start[i]);
}

/* A plain scalar as JSON, by the rules of the YAML core schema for null, booleans and decimals. */
static cJSON *plain_json(const char *text)
{
    if (strcmp(text, "") == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0) {
        return cJSON_CreateNull();
    }
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        return cJSON_CreateBool(text[0] == 't');
    }
    char *end = NULL;
    double number = strtod(text, &end);
    bool decimal = strspn(text, "+-.0123456789eE") == strlen(text);
    if (decimal && end != text && *end == '\0' && isfinite(number)) {
        return cJSON_CreateNumber(number);
    }
    return cJSON_CreateString(text);
}

static cJSON *node_json(struct reader *reader, yaml_node_t *node, unsigned depth);

static cJSON *map_json(struct reader *reader, yaml_node_t *node, unsigned depth)
{
    cJSON *object = cJSON_CreateObject();
    check_keys(reader, node, NULL);
    yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top && !reader->failed; pair++) {
        yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
        yaml_node_t *value = yaml_document_get_node(&reader->document, pair->value);
        cJSON_AddItemToObject(object, (char *)key->data.scalar.value,
                              node_json(reader, value, depth + 1));
    }
    return object;
}

static cJSON *node_json(struct reader *reader, yaml_node_t *node, unsigned depth)
{
    if (depth > READER_DEPTH_LIMIT) {
        reader_fail(reader, node, "more than %d levels", READER_DEPTH_LIMIT);
        return cJSON_CreateNull();
    }
    if (node->type == YAML_MAPPING_NODE) {
        return map_json(reader, node, depth);
    }
    if (node->type == YAML_SEQUENCE_NODE) {
        cJSON *array = cJSON_CreateArray();
        for (size_t i = 0; i < reader_count(reader, node); i++) {
            cJSON_AddItemToArray(array, node_json(reader, reader_at(reader, node, i), depth + 1));
        }
        return array;
    }
    const char *text = reader_scalar(reader, node);
    if (text == NULL) {
        return cJSON_CreateNull();
    }
    bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return plain ? plain_json(text) : cJSON_CreateString(text);
}

void reader_merge(struct reader *reader, yaml_node_t *map, cJSON *object)
{
    check_keys(reader, map, NULL);
    if (reader->failed || map == NULL) {
        return;
    }
    yaml_node_pair_t *pair = map->data.mapping.pairs.start;
    for (; pair < map->data.mapping.pairs.top && !reader->failed; pair++) {
        yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
        yaml_node_t *value = yaml_document_get_node(&reader->document, pair->value);
        const char *name = (char *)key->data.scalar.value;
        cJSON_DeleteItemFromObjectCaseSensitive(object, name);
        if (value->tag == NULL || strcmp((char *)value->tag, "!absent") != 0) {
            cJSON_AddItemToObject(object, name, node_json(reader, value, 0));
        }
    }
}
