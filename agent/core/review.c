#include "core/review.h"

#include "base/secret.h"
#include "render/env.h"

struct review {
    const struct file *file;
    const struct variable *variable;
    struct findings *findings;
};

static bool look_at(const struct review *review, const struct text *text, struct str literal)
{
    struct error error;
    if (env_check(review->file->dialect, review->variable->name, literal, &error)) {
        return true;
    }
    error.code = error.code == ERROR_CONTENT ? ERROR_TEMPLATE : error.code;
    return findings_add(review->findings, text->place, &error);
}

/* A literal with what the references around it may bring: for rules about the first or last byte.
 */
static bool look_at_piece(const struct review *review, const struct text *text, size_t index)
{
    struct error error;
    SECRET_AUTO piece = secret_new(LIMIT_TEMPLATE_FILE + 2);
    bool first = index == 0;
    bool last = index + 1 == text->count;
    bool ok = piece && (first || secret_append(piece, str_from("x"), &error)) &&
              secret_append(piece, text->parts[index].literal, &error) &&
              (last || secret_append(piece, str_from("x"), &error));
    return !ok || look_at(review, text, secret_str(piece)); /* without memory init will tell */
}

/* What a filter makes of a literal is not looked at. */
static bool is_filtered(const struct text *text, size_t index)
{
    for (size_t i = 0; i < text->spans_count; i++) {
        if (index >= text->spans[i].from && index < text->spans[i].to) {
            return true;
        }
    }
    return false;
}

static bool review_text(const struct review *review, const struct text *text)
{
    for (size_t i = 0; i < text->count; i++) {
        if (text->parts[i].kind == TEXT_LITERAL && !is_filtered(text, i) &&
            !look_at_piece(review, text, i)) {
            return false; /* one finding for a text */
        }
    }
    return true;
}

static bool review_file(const struct file *file, struct findings *findings)
{
    bool ok = true;
    for (size_t i = 0; file->kind == FILE_ENV && i < file->variables_count; i++) {
        const struct variable *variable = &file->variables[i];
        const struct review review = {file, variable, findings};
        ok = review_text(&review, &variable->value.text) && ok;
        ok = review_text(&review, &variable->value.fallback) && ok;
    }
    return ok;
}

bool review_template(const struct template *template, struct findings *findings)
{
    bool ok = true;
    for (size_t i = 0; i < template->outputs_count; i++) {
        for (size_t j = 0; j < template->outputs[i].files_count; j++) {
            ok = review_file(&template->outputs[i].files[j], findings) && ok;
        }
    }
    findings_sort(findings);
    return ok;
}

bool review_outputs(const struct template *template, struct findings *findings)
{
    return template->outputs_count > 0 ||
           findings_format(findings, (struct place){.line = 0}, ERROR_TEMPLATE,
                           "the template has no outputs: it is for connect-agent exec");
}
