#include "config/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/locate.h"
#include "config/path.h"
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

static bool decode_dialect(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    struct str text;
    const char *names[DIALECTS];
    if (!decode_scalar(decoder, node, "the name of a dialect", &text)) {
        return false;
    }
    for (int i = 0; i < DIALECTS; i++) {
        names[i] = dialect_name((enum dialect)i);
    }
    const char *nearest = str_suggest(text, names, DIALECTS);
    if (dialect_find(text, &file->dialect)) {
        return true;
    }
    if (nearest) {
        return decode_fail(decoder, node, "no dialect \"%.64s\"; did you mean \"%s\"?", text.bytes,
                           nearest);
    }
    return decode_fail(decoder, node,
                       "no dialect \"%.64s\"; known: sh, compose, docker, systemd, kubernetes, "
                       "portable",
                       text.bytes);
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

static bool check_value(struct decoder *decoder, const struct yaml_node *node,
                        const struct value_rule *value)
{
    return !(value->optional && value->has_fallback) ||
           decode_fail(decoder, node,
                       "\"optional\" and \"default\" exclude each other: left out, or replaced?");
}

static const struct key variable_keys[] = {
    {"value", KEY_REQUIRED, "the text", decode_value},
    {"optional", KEY_OPTIONAL, "leave it out when a reference leads nowhere", decode_optional},
    {"default", KEY_OPTIONAL, "the text when a reference leads nowhere", decode_default},
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
    ok = decode_mapping(decoder, node, "a variable", variable_keys,
                        sizeof(variable_keys) / sizeof(variable_keys[0]), &variable->value) &&
         ok;
    return check_value(decoder, node, &variable->value) && ok;
}

/* --- what the file holds --- */

static bool decode_env(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    file->kind = FILE_ENV;
    if (node->kind != YAML_MAPPING) {
        return decode_fail_kind(decoder, node, "variables and their values");
    }
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
    if (bytes.size > 0 && memchr(bytes.bytes, '\0', bytes.size)) {
        return decode_fail(decoder, node, "%s: not a text: it holds a NUL character", path);
    }
    return text_parse(bytes, TEXT_SPANS, &decoder->template->references,
                      locate_file(&locator, bytes, path), ret_text, &place, &error) ||
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

static const struct key keys[] = {
    {"path", KEY_REQUIRED, "relative to the directory", decode_path},
    {"dialect", KEY_OPTIONAL, "who reads the env file", decode_dialect},
    {"mode", KEY_OPTIONAL, "octal mode", decode_own_mode},
    {"owner", KEY_OPTIONAL, "numeric uid:gid", decode_own_owner},
    {"env", KEY_OPTIONAL, "variables, in a dialect", decode_env},
    {"content", KEY_OPTIONAL, "one value, byte for byte", decode_content},
    {"template", KEY_OPTIONAL, "text with references", decode_template},
    {"templateFile", KEY_OPTIONAL, "file with such a text", decode_template_file},
    {"optional", KEY_OPTIONAL, "leave it out when a reference leads nowhere", decode_file_optional},
    {"default", KEY_OPTIONAL, "the text when a reference leads nowhere", decode_file_default},
    {"json", KEY_LATER, "a subtree as JSON", NULL},
    {"yaml", KEY_LATER, "a subtree as YAML", NULL},
    {"properties", KEY_LATER, "a subtree as Java properties", NULL},
};

/* What a file is, is said by the one key that gives its content. */
static bool check_kind(struct decoder *decoder, const struct yaml_node *node)
{
    static const char *const kinds[] = {"env",  "content", "template",  "templateFile",
                                        "json", "yaml",    "properties"};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct yaml_node *child = yaml_get(node, kinds[i]);
        if (child && first) {
            return decode_fail(decoder, child->key,
                               "\"%s\" and \"%s\" exclude each other: a file has one content",
                               first, kinds[i]);
        }
        first = child ? kinds[i] : first;
    }
    return first ||
           decode_fail(decoder, node, "a file needs one of env, content, template, templateFile");
}

static bool check_dialect(struct decoder *decoder, const struct yaml_node *node)
{
    const struct yaml_node *dialect = yaml_get(node, "dialect");
    const struct yaml_node *env = yaml_get(node, "env");
    if (env && !dialect) {
        return decode_fail(decoder, env->key,
                           "an env file needs a \"dialect\": no quoting is read the same by every "
                           "reader; one of sh, compose, docker, systemd, kubernetes, portable");
    }
    return !dialect || env ||
           decode_fail(decoder, dialect->key, "\"dialect\" is for env files only");
}

static bool check_rule(struct decoder *decoder, const struct yaml_node *node,
                       const struct file *file)
{
    if (yaml_get(node, "env") && (file->value.optional || file->value.has_fallback)) {
        return decode_fail(decoder, node,
                           "in an env file, \"optional\" and \"default\" belong to a variable");
    }
    return check_value(decoder, node, &file->value);
}

bool file_decode(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct file *file = into;
    *file = (struct file){.place = node->place,
                          .mode = FILE_MODE_UNSET,
                          .uid = (uid_t)OWNER_UNSET,
                          .gid = (gid_t)OWNER_UNSET};
    bool ok = decode_mapping(decoder, node, "a file", keys, sizeof(keys) / sizeof(keys[0]), file);
    if (node->kind != YAML_MAPPING) {
        return false;
    }
    ok = check_kind(decoder, node) && ok;
    ok = check_dialect(decoder, node) && ok;
    return check_rule(decoder, node, file) && ok;
}
