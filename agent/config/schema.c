#include "config/schema.h"

#include <stdio.h>

#include "config/config.h"
#include "model/filter.h"

static void write_shape(struct json_text *json, const struct shape *shape);

static void write_type(struct json_text *json, const struct shape *shape)
{
    json_text_key(json, "type");
    json_text_open(json, '[');
    json_text_string(json, "string");
    if (shape->also & SHAPE_NUMBER) {
        json_text_string(json, "number");
    }
    if (shape->also & SHAPE_BOOLEAN) {
        json_text_string(json, "boolean");
    }
    if (shape->also & SHAPE_NULL) {
        json_text_string(json, "null");
    }
    json_text_close(json, ']');
}

static void write_scalar(struct json_text *json, const struct shape *shape)
{
    if (shape->constant > 0) {
        char quoted[16];
        snprintf(quoted, sizeof(quoted), "%d", shape->constant);
        json_text_key(json, "enum");
        json_text_open(json, '[');
        json_text_number(json, shape->constant);
        json_text_string(json, quoted);
        json_text_close(json, ']');
        return;
    }
    write_type(json, shape);
    if (shape->pattern) {
        json_text_member(json, "pattern", shape->pattern);
    }
}

static void write_names(struct json_text *json, const struct shape *shape)
{
    json_text_key(json, "enum");
    json_text_open(json, '[');
    for (size_t i = 0; shape->name(i); i++) {
        json_text_string(json, shape->name(i));
    }
    json_text_close(json, ']');
}

static void write_strings(struct json_text *json, const char *key, const char *const strings[],
                          size_t count)
{
    json_text_key(json, key);
    json_text_open(json, '[');
    for (size_t i = 0; i < count && strings[i]; i++) {
        json_text_string(json, strings[i]);
    }
    json_text_close(json, ']');
}

/* { "required": [key] } */
static void write_required_key(struct json_text *json, const char *key)
{
    json_text_open(json, '{');
    write_strings(json, "required", &key, 1);
    json_text_close(json, '}');
}

static void write_rule(struct json_text *json, const struct shape_rule *rule)
{
    json_text_open(json, '{');
    switch (rule->kind) {
    case RULE_ONE_OF:
    case RULE_ANY_OF:
        json_text_key(json, rule->kind == RULE_ONE_OF ? "oneOf" : "anyOf");
        json_text_open(json, '[');
        for (size_t i = 0; i < SHAPE_RULE_KEYS && rule->keys[i]; i++) {
            write_required_key(json, rule->keys[i]);
        }
        json_text_close(json, ']');
        break;
    case RULE_NEEDS:
        json_text_key(json, "dependentRequired");
        json_text_open(json, '{');
        write_strings(json, rule->keys[0], &rule->keys[1], 1);
        json_text_close(json, '}');
        break;
    case RULE_NOT_BOTH:
        json_text_key(json, "not");
        json_text_open(json, '{');
        write_strings(json, "required", rule->keys, 2);
        json_text_close(json, '}');
        break;
    }
    json_text_close(json, '}');
}

static void write_required(struct json_text *json, const struct key keys[], size_t count)
{
    json_text_key(json, "required");
    json_text_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        if (keys[i].rule == KEY_REQUIRED) {
            json_text_string(json, keys[i].name);
        }
    }
    json_text_close(json, ']');
}

static void write_keys(struct json_text *json, const struct key keys[], size_t count)
{
    json_text_key(json, "properties");
    json_text_open(json, '{');
    for (size_t i = 0; i < count; i++) {
        json_text_key(json, keys[i].name);
        json_text_open(json, '{');
        json_text_member(json, "description", keys[i].help);
        write_shape(json, keys[i].shape);
        json_text_close(json, '}');
    }
    json_text_close(json, '}');
}

static void write_mapping(struct json_text *json, const struct shape *shape)
{
    struct key settings[SETTINGS];
    const struct key *keys = shape->keys;
    size_t count = shape->keys_count;
    if (shape->kind == SHAPE_SETTINGS) {
        count = config_block_keys(shape->block, settings);
        keys = settings;
    }
    json_text_member(json, "type", "object");
    json_text_key(json, "additionalProperties");
    json_text_boolean(json, false);
    write_required(json, keys, count);
    write_keys(json, keys, count);
    if (shape->rules_count > 0) {
        json_text_key(json, "allOf");
        json_text_open(json, '[');
        for (size_t i = 0; i < shape->rules_count; i++) {
            write_rule(json, &shape->rules[i]);
        }
        json_text_close(json, ']');
    }
}

static void write_nested(struct json_text *json, const char *key, const struct shape *shape)
{
    json_text_key(json, key);
    json_text_open(json, '{');
    write_shape(json, shape);
    json_text_close(json, '}');
}

static void write_map(struct json_text *json, const struct shape *shape)
{
    json_text_member(json, "type", "object");
    if (shape->pattern) {
        json_text_key(json, "propertyNames");
        json_text_open(json, '{');
        json_text_member(json, "pattern", shape->pattern);
        json_text_close(json, '}');
    }
    write_nested(json, "additionalProperties", shape->element);
}

static void write_either(struct json_text *json, const struct shape *shape)
{
    json_text_key(json, "anyOf");
    json_text_open(json, '[');
    json_text_open(json, '{');
    write_shape(json, shape->element);
    json_text_close(json, '}');
    json_text_open(json, '{');
    write_mapping(json, shape);
    json_text_close(json, '}');
    json_text_close(json, ']');
}

/* The members of a schema; the caller opens and closes it. */
static void write_shape(struct json_text *json, const struct shape *shape)
{
    switch (shape->kind) {
    case SHAPE_SCALAR:
        write_scalar(json, shape);
        break;
    case SHAPE_NAME:
        write_names(json, shape);
        break;
    case SHAPE_LIST:
        json_text_member(json, "type", "array");
        json_text_key(json, "minItems");
        json_text_number(json, 1);
        write_nested(json, "items", shape->element);
        break;
    case SHAPE_MAPPING:
    case SHAPE_SETTINGS:
        write_mapping(json, shape);
        break;
    case SHAPE_MAP:
        write_map(json, shape);
        break;
    case SHAPE_EITHER:
        write_either(json, shape);
        break;
    case SHAPE_TREE:
        break;
    }
}

static void write_filters(struct json_text *json)
{
    json_text_key(json, "$defs");
    json_text_open(json, '{');
    json_text_key(json, "filters");
    json_text_open(json, '{');
    json_text_member(json, "description", "the filters of {{ op://vault/item/field | filter }}");
    json_text_key(json, "enum");
    json_text_open(json, '[');
    for (int i = 0; i < FILTERS; i++) {
        json_text_string(json, filter_name((enum filter)i));
    }
    json_text_close(json, ']');
    json_text_close(json, '}');
    json_text_close(json, '}');
}

void schema_write(struct json_text *json)
{
    json_text_open(json, '{');
    json_text_member(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_text_member(json, "title", "connect-agent template, version 1");
    write_shape(json, config_shape());
    write_filters(json);
    json_text_close(json, '}');
}
