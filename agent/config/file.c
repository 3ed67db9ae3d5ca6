#include "config/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/locate.h"
#include "config/path.h"
#include "config/properties.h"
#include "config/tree.h"
#include "io/file.h"

static bool decode_path(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    struct str text;
    struct error error;
    file->place = node->place;
    if (!decode_scalar(decoder, node, "a relative path", &text)) {
        return false;
    }
    return path_normalize_file(text, &file->path, &error) ||
           decode_fail(decoder, node, "%s", error.message);
}

static const char *name_dialect(size_t index)
{
    return index < DIALECTS ? dialect_name((enum dialect)index) : NULL;
}

static const struct shape dialect_shape = {
    .kind = SHAPE_NAME, .expected = "the name of a dialect", .name = name_dialect};

static bool decode_dialect(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    size_t index;
    if (!decode_name(decoder, node, &dialect_shape, &index)) {
        return false;
    }
    file->dialect = (enum dialect)index;
    return true;
}

static bool decode_own_mode(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    return decode_mode(decoder, node, &file->mode);
}

static bool decode_own_owner(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    return decode_owner(decoder, node, &file->uid, &file->gid);
}

/* --- values --- */

static bool decode_value(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct value_rule *value = into;
    return decode_text(decoder, node, TEXT_WHOLE, &value->text);
}

static bool decode_optional(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct value_rule *value = into;
    return decode_boolean(decoder, node, &value->optional);
}

static bool decode_default(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct value_rule *value = into;
    value->has_fallback = true;
    return decode_text(decoder, node, TEXT_WHOLE, &value->fallback);
}

static const struct key variable_keys[] = {
    {"value", KEY_REQUIRED, "the text, with references", &shape_text, decode_value},
    {"optional", KEY_OPTIONAL, "leave the variable out when a reference leads nowhere",
     &shape_boolean, decode_optional},
    {"default", KEY_OPTIONAL, "the text to use when a reference leads nowhere", &shape_text,
     decode_default},
};

static const struct shape_rule variable_rules[] = {
    {RULE_NOT_BOTH,
     {"optional", "default"},
     "\"optional\" and \"default\" exclude each other: left out, or replaced?"},
};

static const struct shape variable_shape = {
    .kind = SHAPE_EITHER,
    .expected = "a variable",
    .element = &shape_text,
    .keys = variable_keys,
    .keys_count = sizeof(variable_keys) / sizeof(variable_keys[0]),
    .rules = variable_rules,
    .rules_count = sizeof(variable_rules) / sizeof(variable_rules[0]),
};

static bool check_name(struct decoder *decoder, const struct yaml_node *key)
{
    char message[LIMIT_MESSAGE];
    for (size_t i = 0; i < key->text.size; i++) {
        char c = key->text.bytes[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            snprintf(message, sizeof(message),
                     "\"%.64s\" cannot be the name of a variable: letters, digits and _, not "
                     "beginning with a digit",
                     key->text.bytes);
            return decode_fail_key(decoder, key, message);
        }
    }
    return key->text.size > 0 || decode_fail(decoder, key, "a variable without a name");
}

static bool decode_variable(struct decoder *decoder, const struct yaml_node *node,
                            struct variable *variable)
{
    variable->place = node->key->place;
    variable->name = strndup(node->key->text.bytes, node->key->text.size);
    if (!variable->name) {
        return decode_fail_memory(decoder, node);
    }
    bool ok = check_name(decoder, node->key);
    if (node->kind != YAML_MAPPING) {
        return decode_text(decoder, node, TEXT_WHOLE, &variable->value.text) && ok;
    }
    return decode_mapping(decoder, node, &variable_shape, &variable->value) && ok;
}

/* --- what the file holds --- */

const struct shape variables_shape = {.kind = SHAPE_MAP,
                                      .expected = "variables and their values",
                                      .pattern = "^[A-Za-z_][A-Za-z0-9_]*$",
                                      .element = &variable_shape};

bool file_decode_variables(struct decoder *decoder, const struct yaml_node *node, struct file *file)
{
    file->variables = calloc(node->count + 1, sizeof(*file->variables));
    if (!file->variables) {
        return decode_fail_memory(decoder, node);
    }
    bool ok = true;
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        if (child->kind == YAML_BROKEN) {
            ok = false;
            continue;
        }
        ok = decode_variable(decoder, child, &file->variables[file->variables_count++]) && ok;
    }
    return ok;
}

static bool decode_env(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    file->kind = FILE_ENV;
    return file_decode_variables(decoder, node, file);
}

static bool decode_content(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    file->kind = FILE_CONTENT;
    return decode_text(decoder, node, TEXT_WHOLE, &file->value.text);
}

static bool decode_template(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    file->kind = FILE_TEMPLATE;
    return decode_text(decoder, node, TEXT_SPANS, &file->value.text);
}

/* A relative path is looked for beside the template. */
static char *beside_template(const char *template, struct str path)
{
    const char *slash = strrchr(template, '/');
    int directory = slash && path.bytes[0] != '/' ? (int)(slash - template + 1) : 0;
    char *joined;
    return asprintf(&joined, "%.*s%.*s", directory, template, (int)path.size, path.bytes) < 0
               ? NULL
               : joined;
}

/* The template keeps the path, which places in the file point at. */
static bool keep_path(struct template *template, char *path)
{
    size_t count = template->template_files_count;
    char **files = reallocarray(template->template_files, count + 1, sizeof(char *));
    if (!files) {
        return false;
    }
    files[count] = path;
    template->template_files = files;
    template->template_files_count++;
    return true;
}

static bool parse_template(struct decoder *decoder, const struct yaml_node *node, const char *path,
                           struct str bytes, struct text *ret_text)
{
    struct error error;
    struct place place;
    struct locator locator;
    const struct text_context context = {TEXT_SPANS, locate_file(&locator, bytes, path),
                                         decoder->references, decoder->environment};
    if (bytes.size > 0 && memchr(bytes.bytes, '\0', bytes.size)) {
        return decode_fail(decoder, node, "%s: not a text: it holds a NUL character", path);
    }
    return text_parse(bytes, &context, ret_text, &place, &error) ||
           findings_add(decoder->findings, place, &error);
}

static bool read_template(struct decoder *decoder, const struct yaml_node *node, const char *path,
                          struct text *ret_text)
{
    struct buf buf;
    struct error error;
    buf_init(&buf, LIMIT_TEMPLATE_FILE);
    bool ok = file_read(path, ERROR_TEMPLATE, &buf, &error)
                  ? parse_template(decoder, node, path, buf_str(&buf), ret_text)
                  : decode_fail(decoder, node, "%s", error.message);
    buf_done(&buf);
    return ok;
}

static bool decode_template_file(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    struct str text;
    file->kind = FILE_TEMPLATE;
    if (!decode_scalar(decoder, node, "the path of a file", &text)) {
        return false;
    }
    if (text.size == 0) {
        return decode_fail(decoder, node, "the path is empty");
    }
    char *path = beside_template(decoder->template->path, text);
    if (!path || !keep_path(decoder->template, path)) {
        free(path);
        return decode_fail_memory(decoder, node);
    }
    file->template_file = strdup(path);
    if (!file->template_file) {
        return decode_fail_memory(decoder, node);
    }
    return read_template(decoder, node, path, &file->value.text);
}

static bool decode_file_optional(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    return decode_optional(decoder, node, &file->value);
}

static bool decode_file_default(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    return decode_default(decoder, node, &file->value);
}

static bool decode_json(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    file->kind = FILE_JSON;
    return tree_decode(decoder, node, &file->tree);
}

static bool decode_yaml(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    file->kind = FILE_YAML;
    return tree_decode(decoder, node, &file->tree);
}

static bool decode_properties(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    file->kind = FILE_PROPERTIES;
    return tree_decode(decoder, node, &file->tree) && properties_check(decoder, node, file->tree);
}

static const struct shape file_path_shape = {
    .kind = SHAPE_SCALAR,
    .expected = "a relative path",
    .also = SHAPE_NUMBER | SHAPE_BOOLEAN,
    .pattern = "^(?!\\.?\\.?(/|$))(?!.*/\\.?\\.(/|$))(?!\\.\\.)(?!.*/\\.\\.)[^/]",
};

static const struct shape tree_shape = {.kind = SHAPE_TREE, .expected = "a subtree"};

static const struct shape properties_shape = {
    .kind = SHAPE_MAP, .expected = "keys and their values", .element = &tree_shape};

static const struct key keys[] = {
    {"path", KEY_REQUIRED, "where to write it, relative to the directory", &file_path_shape,
     decode_path},
    {"dialect", KEY_OPTIONAL, "the program that reads the env file", &dialect_shape,
     decode_dialect},
    {"mode", KEY_OPTIONAL, "octal mode of this file", &shape_mode, decode_own_mode},
    {"owner", KEY_OPTIONAL, "numeric uid:gid of this file", &shape_owner, decode_own_owner},
    {"env", KEY_OPTIONAL, "variables, written in a dialect", &variables_shape, decode_env},
    {"content", KEY_OPTIONAL, "one value, byte for byte: a reference, or a text with references",
     &shape_text, decode_content},
    {"template", KEY_OPTIONAL, "a text of several lines with references", &shape_text,
     decode_template},
    {"templateFile", KEY_OPTIONAL, "path of a file with such a text; relative: beside the template",
     &shape_path, decode_template_file},
    {"json", KEY_OPTIONAL, "a subtree, written as JSON", &tree_shape, decode_json},
    {"yaml", KEY_OPTIONAL, "a subtree, written as YAML", &tree_shape, decode_yaml},
    {"properties", KEY_OPTIONAL, "a subtree, written as Java properties", &properties_shape,
     decode_properties},
    {"optional", KEY_OPTIONAL, "leave the file out when a reference leads nowhere", &shape_boolean,
     decode_file_optional},
    {"default", KEY_OPTIONAL, "the text to use when a reference leads nowhere", &shape_text,
     decode_file_default},
};

#define ENV_RULES "in an env file, \"optional\" and \"default\" belong to a variable"
#define TREE_RULES "a structured file has no \"default\"; it can be \"optional\""

static const struct shape_rule rules[] = {
    {RULE_ONE_OF,
     {"env", "content", "template", "templateFile", "json", "yaml", "properties"},
     "a file has one content"},
    {RULE_NEEDS,
     {"env", "dialect"},
     "an env file needs a \"dialect\": no quoting is read the same by every reader; one of sh, "
     "compose, docker, systemd, kubernetes, portable"},
    {RULE_NEEDS, {"dialect", "env"}, "\"dialect\" is for env files only"},
    {RULE_NOT_BOTH,
     {"optional", "default"},
     "\"optional\" and \"default\" exclude each other: left out, or replaced?"},
    {RULE_NOT_BOTH, {"env", "optional"}, ENV_RULES},
    {RULE_NOT_BOTH, {"env", "default"}, ENV_RULES},
    {RULE_NOT_BOTH, {"json", "default"}, TREE_RULES},
    {RULE_NOT_BOTH, {"yaml", "default"}, TREE_RULES},
    {RULE_NOT_BOTH, {"properties", "default"}, TREE_RULES},
};

const struct shape file_shape = {
    .kind = SHAPE_MAPPING,
    .expected = "a file",
    .keys = keys,
    .keys_count = sizeof(keys) / sizeof(keys[0]),
    .rules = rules,
    .rules_count = sizeof(rules) / sizeof(rules[0]),
};

bool file_decode(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    *file = (struct file){.place = node->place,
                          .mode = FILE_MODE_UNSET,
                          .uid = (uid_t)OWNER_UNSET,
                          .gid = (gid_t)OWNER_UNSET};
    return decode_mapping(decoder, node, &file_shape, file);
}
