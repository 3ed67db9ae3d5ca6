/* References. What is accepted is made of its parts, and parses again to an equal one. */
#include "model/reference.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(const struct reference *reference, struct str text)
{
    struct reference again;
    struct error error;
    size_t at;
    if (!str_is(text, reference->text) || reference->vault.size == 0 || reference->item.size == 0 ||
        reference->field.size == 0) {
        abort();
    }
    if (!reference_parse(text, &again, &at, &error) || reference_compare(reference, &again) != 0) {
        abort();
    }
    reference_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str text = {(const char *)bytes, size};
    struct reference reference;
    struct error error;
    size_t at = 0;
    if (reference_parse(text, &reference, &at, &error)) {
        check(&reference, text);
        reference_done(&reference);
    } else if (at > size || error.code != ERROR_TEMPLATE) {
        abort();
    }
    return 0;
}
