#include "model/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct place column(void *context, size_t at)
{
    (void)context;
    return (struct place){"t", 1, (unsigned)at};
}

/* The text as <literal> and [reference], or what is wrong as !offset. */
static void show(const char *source, enum text_rule rule, char *out, size_t size)
{
    struct references references;
    struct text text = {0};
    struct place place;
    struct error error;
    size_t used = 0;
    references_init(&references);
    if (!text_parse(str_from(source), rule, &references, (struct text_origin){column, NULL}, &text,
                    &place, &error)) {
        snprintf(out, size, "!%u", place.column);
        references_done(&references);
        return;
    }
    out[0] = '\0';
    for (size_t i = 0; i < text.count; i++) {
        const struct text_part *part = &text.parts[i];
        used += (size_t)snprintf(
            out + used, size - used, part->kind == TEXT_LITERAL ? "<%.*s>" : "[%.*s]",
            part->kind == TEXT_LITERAL ? (int)part->literal.size : 1000,
            part->kind == TEXT_LITERAL ? part->literal.bytes
                                       : references.list[part->reference]->text);
    }
    text_done(&text);
    references_done(&references);
}

struct expectation {
    const char *source;
    const char *shown;
};

static void check(enum text_rule rule, const struct expectation cases[], size_t count)
{
    char out[512];
    for (size_t i = 0; i < count; i++) {
        show(cases[i].source, rule, out, sizeof(out));
        cr_expect_str_eq(out, cases[i].shown, "%s gives %s", cases[i].source, out);
    }
}

Test(text, spans_follow_the_rules_of_op_inject)
{
    const struct expectation cases[] = {
        {"", ""},
        {"plain", "<plain>"},
        {"a {{ op://v/i/f }} b", "<a >[op://v/i/f]< b>"},
        {"{{op://v/my item/f}}", "[op://v/my item/f]"},
        {"x=op://v/i/f;", "<x=>[op://v/i/f]<;>"},
        {"op://v/i/f op://v/i/g", "[op://v/i/f]< >[op://v/i/g]"},
        {"url(op://v/i/f?attribute=otp)", "<url(>[op://v/i/f?attribute=otp]<)>"},
        {"xop://v/i/f -op://v +op:// \\op:// .op://",
         "<xop://v/i/f -op://v +op:// \\op:// .op://>"},
        {"{{ \"{{ raw }}\" }}", "<{{ raw }}>"},
        {"{{ \"say \\\"op://x\\\"\" }}", "<say \"op://x\">"},
        {"{{ \"x\" }}{{ \"\" }}y{{ op://v/i/f }}}}", "<xy>[op://v/i/f]<}}>"},
        {"{\"a\":{\"b\":{{ op://v/i/f }}}}", "<{\"a\":{\"b\":>[op://v/i/f]<}}>"},
        {"/op://v/i/f _op://v/i/f", "</>[op://v/i/f]< _>[op://v/i/f]"},
        {"op://v/i/f$ OP://v/i/f op:/", "[op://v/i/f]<$ OP://v/i/f op:/>"},
        {"op://v/i/private key", "[op://v/i/private]< key>"},
        {"} }} {", "<} }} {>"},
    };
    check(TEXT_SPANS, cases, sizeof(cases) / sizeof(cases[0]));
}

Test(text, a_whole_reference_may_hold_spaces)
{
    const struct expectation cases[] = {
        {"op://v/private item/private key", "[op://v/private item/private key]"},
        {"op://v/i/f and more: x", "[op://v/i/f]< and more: x>"},
        {"op://v/i/private key\n", "[op://v/i/private]< key\n>"},
    };
    check(TEXT_WHOLE, cases, sizeof(cases) / sizeof(cases[0]));
}

Test(text, mistakes_are_found_at_their_place)
{
    const struct expectation cases[] = {
        {"ab {{ op://v/i/f", "!3"},
        {"ab {{ .Values.x }}", "!3"},
        {"ab {{ op://v/i:/f }}", "!14"},
        {"ab {{ \"x }}", "!6"},
        {"x op://v ", "!8"},
        {"ab {{", "!3"},
        {"a {{ op://v/i/f {{ \"x\" }}", "!2"},
        {"{{ \"x\" y }}", "!7"},
        {"{{ op://v/i/f | trim }}", "!16"},
        {"{{ \"x\"|trim }}", "!7"},
        {"op://v/$I/f", "!7"},
        {"op://v/i/f${F}", "!10"},
        {"http://op://x", "!13"},
    };
    check(TEXT_SPANS, cases, sizeof(cases) / sizeof(cases[0]));
}
