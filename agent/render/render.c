#include "render/render.h"

#include <stdlib.h>

#include "render/env.h"

/* What a file is made from. */
struct source {
    const struct file *file;
    const struct references *references;
    const struct values *values;
};

/* The first reference of the text without a value; its own error, named by the reference. */
static bool append_reference(const struct source *source, size_t index, struct secret *into,
                             struct error *err)
{
    const struct value *value = &source->values->list[index];
    if (value->bytes) {
        return secret_append_secret(into, value->bytes, err);
    }
    if (value->error) {
        *err = *value->error;
        return false;
    }
    return error_set(err, ERROR_MEMORY, "%s: out of memory", source->references->list[index]->text);
}

static bool render_text(const struct source *source, const struct text *text, struct secret *into,
                        struct error *err)
{
    for (size_t i = 0; i < text->count; i++) {
        const struct text_part *part = &text->parts[i];
        bool ok = part->kind == TEXT_LITERAL ? secret_append(into, part->literal, err)
                                             : append_reference(source, part->reference, into, err);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* Does any reference of the text lead nowhere? Any other failure is not covered by anything. */
static bool is_missing(const struct source *source, const struct text *text)
{
    bool missing = false;
    for (size_t i = 0; i < text->count; i++) {
        const struct text_part *part = &text->parts[i];
        if (part->kind != TEXT_REFERENCE) {
            continue;
        }
        const struct value *value = &source->values->list[part->reference];
        if (!value->bytes && !value_is_missing(value)) {
            return false;
        }
        missing = missing || !value->bytes;
    }
    return missing;
}

/* The value by its rule. When it is left out, *ret_secret is null. */
static bool render_value(const struct source *source, const struct value_rule *rule,
                         struct secret **ret_secret, struct error *err)
{
    const struct text *text = &rule->text;
    if (is_missing(source, text) && rule->optional) {
        *ret_secret = NULL;
        return true;
    }
    if (is_missing(source, text) && rule->has_fallback) {
        text = &rule->fallback;
    }
    SECRET_AUTO secret = secret_new(LIMIT_OUTPUT_FILE);
    if (!secret) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!render_text(source, text, secret, err)) {
        return false;
    }
    *ret_secret = secret;
    secret = NULL;
    return true;
}

static bool render_bytes(const struct source *source, struct secret **ret_bytes, bool *ret_left_out,
                         struct error *err)
{
    struct secret *bytes;
    if (!render_value(source, &source->file->value, &bytes, err)) {
        return false;
    }
    *ret_left_out = !bytes;
    if (bytes) {
        *ret_bytes = bytes;
    }
    return true;
}

/* Fills `values` (all null before), one for each variable; those left out stay null. */
static bool render_variables(const struct source *source, struct secret *values[],
                             struct error *err)
{
    for (size_t i = 0; i < source->file->variables_count; i++) {
        const struct variable *variable = &source->file->variables[i];
        if (!render_value(source, &variable->value, &values[i], err)) {
            return error_wrap(err, "variable %s", variable->name);
        }
    }
    return true;
}

static bool write_variables(const struct file *file, struct secret *const values[],
                            struct secret *text, struct error *err)
{
    size_t count = 0;
    struct env_entry *entries = calloc(file->variables_count + 1, sizeof(*entries));
    if (!entries) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < file->variables_count; i++) {
        if (values[i]) {
            entries[count++] = (struct env_entry){file->variables[i].name, values[i]};
        }
    }
    bool ok = env_render(file->dialect, entries, count, text, err);
    free(entries);
    return ok;
}

static bool render_env(const struct source *source, struct secret **ret_bytes, bool *ret_left_out,
                       struct error *err)
{
    const struct file *file = source->file;
    struct secret *text = secret_new(LIMIT_OUTPUT_FILE);
    struct secret **values = calloc(file->variables_count + 1, sizeof(struct secret *));
    bool ok = false;
    if (!text || !values) {
        error_set(err, ERROR_MEMORY, "out of memory");
        goto out;
    }
    if (!render_variables(source, values, err) || !write_variables(file, values, text, err)) {
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

bool render_file(const struct file *file, const struct references *references,
                 const struct values *values, struct secret **ret_bytes, bool *ret_left_out,
                 struct error *err)
{
    static const struct {
        bool (*render)(const struct source *, struct secret **, bool *, struct error *);
    } kinds[] = {
        [FILE_ENV] = {render_env},
        [FILE_CONTENT] = {render_bytes},
        [FILE_TEMPLATE] = {render_bytes},
    };
    const struct source source = {file, references, values};
    return kinds[file->kind].render(&source, ret_bytes, ret_left_out, err);
}
