#include "render/text.h"

#include "base/limits.h"
#include "render/filter.h"

bool text_is_missing(const struct text *text, const struct sources *sources)
{
    bool missing = false;
    for (size_t i = 0; i < text->count; i++) {
        const struct text_part *part = &text->parts[i];
        if (part->kind != TEXT_REFERENCE) {
            continue;
        }
        const struct value *value = &sources->values->list[part->reference];
        if (!value->bytes && !value_is_missing(value)) {
            return false;
        }
        missing = missing || !value->bytes;
    }
    return missing;
}

static bool append_reference(const struct sources *sources, size_t index, struct secret *into,
                             struct place *ret_place, struct error *err)
{
    const struct value *value = &sources->values->list[index];
    const struct reference *reference = sources->references->list[index];
    if (value->bytes) {
        return secret_append_secret(into, value->bytes, err);
    }
    *ret_place = reference->place;
    if (value->error) {
        *err = *value->error;
        return false;
    }
    return error_set(err, ERROR_MEMORY, "%s: out of memory", reference->text);
}

static bool append_parts(const struct text *text, size_t from, size_t to,
                         const struct sources *sources, struct secret *into,
                         struct place *ret_place, struct error *err)
{
    bool ok = true;
    for (size_t i = from; ok && i < to; i++) {
        const struct text_part *part = &text->parts[i];
        ok = part->kind == TEXT_LITERAL
                 ? secret_append(into, part->literal, err)
                 : append_reference(sources, part->reference, into, ret_place, err);
    }
    return ok;
}

bool text_render_span(const struct text *text, const struct text_span *span,
                      const struct sources *sources, struct secret *into, struct place *ret_place,
                      struct error *err)
{
    SECRET_AUTO plain = secret_new(LIMIT_OUTPUT_FILE);
    *ret_place = span->place;
    if (!plain) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return append_parts(text, span->from, span->to, sources, plain, ret_place, err) &&
           filter_apply(secret_str(plain), span->filters, span->count, into, err);
}

bool text_render(const struct text *text, const struct sources *sources, struct secret *into,
                 struct place *ret_place, struct error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < text->spans_count; i++) {
        const struct text_span *span = &text->spans[i];
        *ret_place = text->place;
        if (!append_parts(text, at, span->from, sources, into, ret_place, err) ||
            !text_render_span(text, span, sources, into, ret_place, err)) {
            return false;
        }
        at = span->to;
    }
    *ret_place = text->place;
    return append_parts(text, at, text->count, sources, into, ret_place, err);
}
