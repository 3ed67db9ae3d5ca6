#include "config/adhoc.h"

#include <stdlib.h>
#include <string.h>

#include "config/locate.h"

static struct place nowhere(void *context, size_t at)
{
    (void)context;
    (void)at;
    return (struct place){.line = 0};
}

/* One reference and nothing else: no braces, no variables, which the shell has replaced. */
static bool parse_reference(struct str reference, struct references *references,
                            struct text *ret_text, struct findings *findings)
{
    struct text_context context = {TEXT_WHOLE, {nowhere, NULL}, references, NULL};
    struct place place;
    struct error error;
    struct text text;
    if (!str_starts(reference, "op://")) {
        return findings_format(findings, (struct place){.line = 0}, ERROR_USAGE,
                               "that is not a secret reference; it begins with op://");
    }
    if (!text_parse(reference, &context, &text, &place, &error)) {
        error.code = error.code == ERROR_TEMPLATE ? ERROR_USAGE : error.code;
        return findings_add(findings, place, &error);
    }
    *ret_text = text;
    return (text.count == 1 && text.parts[0].kind == TEXT_REFERENCE) ||
           findings_format(findings, (struct place){.line = 0}, ERROR_USAGE,
                           "the reference holds a character that no reference can hold; names may "
                           "have letters, digits, - _ . and space");
}

static bool parse_text(const struct adhoc *adhoc, char *const environment[],
                       struct references *references, struct text *ret_text,
                       struct findings *findings)
{
    struct locator locator;
    const struct text_context context = {
        TEXT_INJECT, locate_file(&locator, adhoc->text, adhoc->name), references, environment};
    struct place place;
    struct error error;
    return text_parse(adhoc->text, &context, ret_text, &place, &error) ||
           findings_add(findings, place, &error);
}

/* One output that is never published, with one file. */
static bool add_file(struct template *template, struct file **ret_file)
{
    template->outputs = calloc(1, sizeof(*template->outputs));
    if (!template->outputs) {
        return false;
    }
    template->outputs_count = 1;
    template->outputs[0].files = calloc(1, sizeof(struct file));
    if (!template->outputs[0].files) {
        return false;
    }
    template->outputs[0].files_count = 1;
    *ret_file = &template->outputs[0].files[0];
    (*ret_file)->kind = FILE_CONTENT;
    return true;
}

/* The settings move from the template that is named to *template. When that one is wrong, it takes
 * its place: the findings point into it. */
static bool take_settings(const char *path, const struct overrides *overrides,
                          struct findings *findings, struct template **template)
{
    struct template *named = NULL;
    struct settings *settings = &(*template)->settings;
    if (!path) {
        settings_init(settings);
        return settings_override(settings, overrides, findings);
    }
    if (!config_load(path, overrides, findings, &named)) {
        template_free(*template);
        *template = named;
        return false;
    }
    *settings = named->settings;
    settings_init(&named->settings);
    template_free(named);
    return true;
}

bool adhoc_load(const struct adhoc *adhoc, const char *path, const struct overrides *overrides,
                struct findings *findings, struct template **ret_template)
{
    struct template *template = calloc(1, sizeof(*template));
    struct file *file;
    if (!template || !add_file(template, &file)) {
        template_free(template);
        return findings_format(findings, (struct place){.line = 0}, ERROR_MEMORY, "out of memory");
    }
    references_init(&template->references);
    *ret_template = template;
    bool ok = adhoc->name ? parse_text(adhoc, overrides->variables, &template->references,
                                       &file->value.text, findings)
                          : parse_reference(adhoc->text, &template->references, &file->value.text,
                                            findings);
    return take_settings(path, overrides, findings, ret_template) && ok;
}
