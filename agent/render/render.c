#include "render/render.h"

#include <stdlib.h>
#include <string.h>

#include "render/env.h"
#include "render/structured.h"
#include "render/text.h"

/* What a file is made from, and where to look when it cannot be made. */
struct job {
    const struct file *file;
    struct sources sources;
    struct place *ret_place;
};

/* The value by its rule. When it is left out, *ret_secret is null. */
static bool render_value(const struct job *job, const struct value_rule *rule,
                         struct secret **ret_secret, struct error *err)
{
    const struct text *text = &rule->text;
    if (text_is_missing(text, &job->sources) && rule->optional) {
        *ret_secret = NULL;
        return true;
    }
    if (text_is_missing(text, &job->sources) && rule->has_fallback) {
        text = &rule->fallback;
    }
    SECRET_AUTO secret = secret_new(LIMIT_OUTPUT_FILE);
    if (!secret) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!text_render(text, &job->sources, secret, job->ret_place, err)) {
        return false;
    }
    *ret_secret = secret;
    secret = NULL;
    return true;
}

static bool render_bytes(const struct job *job, struct secret **ret_bytes, bool *ret_left_out,
                         struct error *err)
{
    struct secret *bytes = NULL;
    if (!render_value(job, &job->file->value, &bytes, err)) {
        return false;
    }
    *ret_left_out = !bytes;
    if (bytes) {
        *ret_bytes = bytes;
    }
    return true;
}

/* --- env files --- */

/* Fills `values` (all null before), one for each variable; those left out stay null. */
static bool render_variables(const struct job *job, struct secret *values[], struct error *err)
{
    for (size_t i = 0; i < job->file->variables_count; i++) {
        const struct variable *variable = &job->file->variables[i];
        if (!render_value(job, &variable->value, &values[i], err)) {
            return error_wrap(err, "variable %s", variable->name);
        }
    }
    return true;
}

static bool write_variables(const struct job *job, struct secret *const values[],
                            struct secret *text, struct error *err)
{
    const struct file *file = job->file;
    size_t count = 0;
    size_t wrong = 0;
    struct env_entry *entries = calloc(file->variables_count + 1, sizeof(*entries));
    if (!entries) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < file->variables_count; i++) {
        if (values[i]) {
            entries[count++] = (struct env_entry){file->variables[i].name, values[i]};
        }
    }
    bool ok = env_render(file->dialect, entries, count, text, &wrong, err);
    for (size_t i = 0; !ok && wrong < count && i < file->variables_count; i++) {
        if (file->variables[i].name == entries[wrong].name) {
            *job->ret_place = file->variables[i].value.text.place;
        }
    }
    free(entries);
    return ok;
}

static bool render_env(const struct job *job, struct secret **ret_bytes, bool *ret_left_out,
                       struct error *err)
{
    const struct file *file = job->file;
    struct secret *text = secret_new(LIMIT_OUTPUT_FILE);
    struct secret **values = calloc(file->variables_count + 1, sizeof(struct secret *));
    bool ok = false;
    if (!text || !values) {
        error_set(err, ERROR_MEMORY, "out of memory");
        goto out;
    }
    if (!render_variables(job, values, err)) {
        goto out;
    }
    *job->ret_place = file->place;
    if (!write_variables(job, values, text, err)) {
        goto out;
    }
    *ret_left_out = false;
    *ret_bytes = text;
    text = NULL;
    ok = true;
out:
    for (size_t i = 0; values && i < file->variables_count; i++) {
        secret_free(values[i]);
    }
    free(values);
    secret_free(text);
    return ok;
}

/* --- the environment of a command --- */

static bool append_entry(const struct variable *variable, const struct secret *value,
                         struct secret *block, struct error *err)
{
    struct str text = secret_str(value);
    if (memchr(text.bytes ? text.bytes : "", '\0', text.size)) {
        return error_set(err, ERROR_CONTENT, "variable %s: no environment can hold a NUL",
                         variable->name);
    }
    if (strlen(variable->name) + 1 + text.size + 1 > LIMIT_VARIABLE) {
        return error_set(err, ERROR_CONTENT,
                         "variable %s: larger than the %d KiB that Linux takes for one",
                         variable->name, LIMIT_VARIABLE >> 10);
    }
    return secret_append(block, str_from(variable->name), err) &&
           secret_append(block, str_from("="), err) && secret_append(block, text, err) &&
           secret_append(block, (struct str){"", 1}, err);
}

static bool render_environment(const struct job *job, struct secret **ret_bytes, bool *ret_left_out,
                               struct error *err)
{
    SECRET_AUTO block = secret_new(LIMIT_OUTPUT_FILE);
    if (!block) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < job->file->variables_count; i++) {
        const struct variable *variable = &job->file->variables[i];
        SECRET_AUTO value = NULL;
        *job->ret_place = variable->place;
        if (!render_value(job, &variable->value, &value, err)) {
            return error_wrap(err, "variable %s", variable->name);
        }
        if (value && !append_entry(variable, value, block, err)) {
            return false;
        }
    }
    *ret_left_out = false;
    *ret_bytes = block;
    block = NULL;
    return true;
}

/* --- structured files --- */

static bool is_tree_missing(const struct tree *tree, const struct sources *sources)
{
    bool missing = text_is_missing(&tree->text, sources);
    for (const struct tree *child = tree->first; child && !missing; child = child->next) {
        missing = is_tree_missing(child, sources);
    }
    return missing;
}

static bool render_tree(const struct job *job, structured_writer *write, struct secret **ret_bytes,
                        bool *ret_left_out, struct error *err)
{
    const struct file *file = job->file;
    SECRET_AUTO bytes = secret_new(LIMIT_OUTPUT_FILE);
    if (!bytes) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *ret_left_out = file->value.optional && is_tree_missing(file->tree, &job->sources);
    if (*ret_left_out) {
        return true;
    }
    if (!write(file->tree, &job->sources, bytes, job->ret_place, err)) {
        return false;
    }
    *ret_bytes = bytes;
    bytes = NULL;
    return true;
}

static bool render_json(const struct job *job, struct secret **ret_bytes, bool *ret_left_out,
                        struct error *err)
{
    return render_tree(job, structured_json, ret_bytes, ret_left_out, err);
}

static bool render_yaml(const struct job *job, struct secret **ret_bytes, bool *ret_left_out,
                        struct error *err)
{
    return render_tree(job, structured_yaml, ret_bytes, ret_left_out, err);
}

static bool render_properties(const struct job *job, struct secret **ret_bytes, bool *ret_left_out,
                              struct error *err)
{
    return render_tree(job, structured_properties, ret_bytes, ret_left_out, err);
}

bool render_file(const struct file *file, const struct references *references,
                 const struct values *values, struct secret **ret_bytes, bool *ret_left_out,
                 struct place *ret_place, struct error *err)
{
    static const struct {
        bool (*render)(const struct job *, struct secret **, bool *, struct error *);
    } kinds[] = {
        [FILE_ENV] = {render_env},
        [FILE_CONTENT] = {render_bytes},
        [FILE_TEMPLATE] = {render_bytes},
        [FILE_JSON] = {render_json},
        [FILE_YAML] = {render_yaml},
        [FILE_PROPERTIES] = {render_properties},
        [FILE_ENVIRONMENT] = {render_environment},
    };
    const struct job job = {file, {references, values}, ret_place};
    *ret_place = file->place;
    return kinds[file->kind].render(&job, ret_bytes, ret_left_out, err);
}
