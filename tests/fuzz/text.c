/* A string of the template with references in it. What is parsed never points outside. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "model/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct place locate(void *context, size_t at)
{
    const size_t *size = context;
    if (at > *size) {
        abort();
    }
    return (struct place){"fuzz", 1, (unsigned)at};
}

static void look(const struct text *text, const struct references *references)
{
    size_t sum = 0;
    for (size_t i = 0; i < text->count; i++) {
        const struct text_part *part = &text->parts[i];
        if (part->kind == TEXT_REFERENCE && part->reference >= references->count) {
            abort();
        }
        for (size_t j = 0; part->kind == TEXT_LITERAL && j < part->literal.size; j++) {
            sum += (unsigned char)part->literal.bytes[j];
        }
    }
    (void)*(volatile size_t *)&sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct references references;
    struct text text;
    struct place place;
    struct error error;
    enum text_rule rule = (enum text_rule)(size % 3);
    char variable[] = "A=b";
    char *const environment[] = {variable, NULL};
    references_init(&references);
    const struct text_context context = {rule, {locate, &size}, &references, environment};
    if (text_parse((struct str){(const char *)bytes, size}, &context, &text, &place, &error)) {
        look(&text, &references);
        text_done(&text);
    }
    references_done(&references);
    return 0;
}
