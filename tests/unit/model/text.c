#include "model/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct place column(void *context, size_t at)
{
    (void)context;
    return (struct place){"t", 1, (unsigned)at};
}

static size_t show_filters(const struct text *text, size_t to, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < text->spans_count; i++) {
        const struct text_span *span = &text->spans[i];
        for (size_t j = 0; span->to == to && j < span->count; j++) {
            used += (size_t)snprintf(out + used, size - used, "|%s%.0u",
                                     filter_name(span->filters[j].filter), span->filters[j].number);
        }
        if (span->to == to) {
            used += (size_t)snprintf(out + used, size - used, ")");
        }
    }
    return used;
}

/* The text as <literal> and [reference], or what is wrong as !offset. */
static void show(const char *source, enum text_rule rule, char *out, size_t size)
{
    struct references references;
    struct text text = {0};
    struct place place;
    struct error error;
    size_t used = 0;
    char vault[] = "VAULT=prod", lower[] = "item=my item";
    char *const environment[] = {vault, lower, NULL};
    references_init(&references);
    const struct text_context context = {rule, {column, NULL}, &references, environment};
    if (!text_parse(str_from(source), &context, &text, &place, &error)) {
        snprintf(out, size, "!%u", place.column);
        references_done(&references);
        return;
    }
    out[0] = '\0';
    for (size_t i = 0; i < text.count; i++) {
        const struct text_part *part = &text.parts[i];
        for (size_t j = 0; j < text.spans_count; j++) {
            if (text.spans[j].from == i) {
                used += (size_t)snprintf(out + used, size - used, "(");
            }
        }
        used += (size_t)snprintf(
            out + used, size - used, part->kind == TEXT_LITERAL ? "<%.*s>" : "[%.*s]",
            part->kind == TEXT_LITERAL ? (int)part->literal.size : 1000,
            part->kind == TEXT_LITERAL ? part->literal.bytes
                                       : references.list[part->reference]->text);
        used += show_filters(&text, i + 1, out + used, size - used);
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

Test(text, filters_work_on_all_that_stands_before_them)
{
    const struct expectation cases[] = {
        {"a{{ op://v/i/f | trim }}b", "<a>([op://v/i/f]|trim)<b>"},
        {"a{{ \"x\"|upper }}b", "<a>(<x>|upper)<b>"},
        {"{{ op://v/i i/f \":\" op://v/i/g|base64|indent 4 }}",
         "([op://v/i i/f]<:>[op://v/i/g]|base64|indent4)"},
        {"{{ op://v/i/f\"\"op://v/i/g }}", "[op://v/i/f][op://v/i/g]"},
        {"{{op://v/i/f|trim}}{{op://v/i/f|trim}}", "([op://v/i/f]|trim)([op://v/i/f]|trim)"},
    };
    check(TEXT_SPANS, cases, sizeof(cases) / sizeof(cases[0]));
}

/* VAULT=prod, item=my item */
Test(text, variables_are_replaced_in_references)
{
    const struct expectation cases[] = {
        {"op://$VAULT/i/f $VAULT", "[op://prod/i/f]< $VAULT>"},
        {"op://${VAULT}x/${ITEM}/f", "[op://prodx/my item/f]"},
        {"{{ op://${ vault }/$Item/f }}", "[op://prod/my item/f]"},
        {"{{ op://v/i/${F:-a b}}}", "[op://v/i/a b]"},
        {"{{ op://v/i/${F:-}f | trim }}", "([op://v/i/f]|trim)"},
        {"op://${VAULT:-dev}/i/f", "[op://prod/i/f]"},
        {"op://$F/i/f", "!5"},
        {"op://${F}/i/f", "!5"},
        {"op://${1}/i/f", "!5"},
    };
    check(TEXT_SPANS, cases, sizeof(cases) / sizeof(cases[0]));
}

Test(text, an_inject_template_has_variables_everywhere)
{
    const struct expectation cases[] = {
        {"a $VAULT ${item}! ${X:-y} $5 $ ${} {{ \"$VAULT\" }}",
         "<a prod my item! y $5 $ ${} ><$VAULT>"},
        {"op://$VAULT/i/f", "[op://prod/i/f]"},
        {"a $NONE", "!2"},
    };
    check(TEXT_INJECT, cases, sizeof(cases) / sizeof(cases[0]));
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

Test(text, a_whole_value_that_is_nearly_a_reference_is_a_mistake)
{
    const struct expectation cases[] = {
        {"op:/v/i/f", "!0"},
        {"OP://v/my item/f", "!0"},
        {"Op://v/i/f?attribute=otp", "!0"},
        {"op:/", "<op:/>"},
        {"op:v", "<op:v>"},
        {"op:/v, and more", "<op:/v, and more>"},
        {"{{ \"op:/v/i/f\" }}", "<op:/v/i/f>"},
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
        {"{{ op://v/i/f | trimm }}", "!16"},
        {"{{ \"x\"|x }}", "!7"},
        {"{{ | trim }}", "!0"},
        {"{{ op://v/i/f | trim | }}", "!23"},
        {"{{ op://v/i/f | trim", "!20"},
        {"{{ op://v/i/f | indent x }}", "!16"},
        {"{{ op://v/i/f \"x\" y }}", "!18"},
        {"op://v/$I/f", "!7"},
        {"op://v/i/f${F}", "!10"},
        {"http://op://x", "!13"},
    };
    check(TEXT_SPANS, cases, sizeof(cases) / sizeof(cases[0]));
}
