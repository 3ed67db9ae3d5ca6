#include "model/reference.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *text;
    const char *vault, *item, *section, *field;
    enum reference_attribute attribute;
} good[] = {
    {"op://prod/db/password", "prod", "db", "", "password", ATTRIBUTE_DEFAULT},
    {"op://My Vault/my item/a section/field.1", "My Vault", "my item", "a section", "field.1",
     ATTRIBUTE_DEFAULT},
    {"op://v/i/code?attribute=otp", "v", "i", "", "code", ATTRIBUTE_OTP},
    {"op://v/i/code?attr=totp", "v", "i", "", "code", ATTRIBUTE_OTP},
    {"op://v/i/s/file?attribute=size", "v", "i", "s", "file", ATTRIBUTE_SIZE},
};

Test(reference, is_taken_apart)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct reference reference = {0};
        struct error error;
        size_t at;
        cr_assert(reference_parse(str_from(good[i].text), &reference, &at, &error), "%s: %s",
                  good[i].text, error.message);
        cr_expect(str_is(reference.vault, good[i].vault));
        cr_expect(str_is(reference.item, good[i].item));
        cr_expect(str_is(reference.section, good[i].section));
        cr_expect(str_is(reference.field, good[i].field));
        cr_expect_eq(reference.attribute, good[i].attribute);
        reference_done(&reference);
    }
}

Test(reference, mistakes_have_their_offset_and_advice)
{
    const struct {
        const char *text;
        size_t at;
        const char *said;
    } wrong[] = {
        {"prod/db/x", 0, "begins with op://"},
        {"op://", 5, "empty part"},
        {"op://prod", 9, "only a vault"},
        {"op://prod/db", 12, "no field"},
        {"op://prod//x", 10, "empty part"},
        {"op://prod/db/x/y/z", 17, "too many parts"},
        {"op://prod/d:b/x", 11, "not allowed"},
        {"op://prod/d%20b/x", 11, "not allowed"},
        {"op://prod/$ITEM/x", 10, "not allowed"},
        {"op://v/i/f?attribute=valu", 21, "unknown attribute"},
        {"op://v/i/f?x=y", 11, "unknown query"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct reference reference;
        struct error error;
        size_t at = 999;
        cr_expect_not(reference_parse(str_from(wrong[i].text), &reference, &at, &error), "%s",
                      wrong[i].text);
        cr_expect_eq(at, wrong[i].at, "%s: %zu", wrong[i].text, at);
        cr_expect(strstr(error.message, wrong[i].said), "%s: %s", wrong[i].text, error.message);
    }
}

Test(references, one_index_for_what_means_the_same)
{
    struct references references;
    struct error error;
    size_t at, first, second, third;
    references_init(&references);
    cr_assert(references_intern(&references, str_from("op://v/i/f"), (struct place){0}, &first, &at,
                                &error));
    cr_assert(references_intern(&references, str_from("op://V/I/F"), (struct place){0}, &second,
                                &at, &error));
    cr_assert(references_intern(&references, str_from("op://v/i/f?attr=type"), (struct place){0},
                                &third, &at, &error));
    cr_expect_eq(first, second);
    cr_expect_neq(first, third);
    cr_expect_eq(references.count, 2);
    for (int i = 0; i < 1000; i++) {
        char text[64];
        snprintf(text, sizeof(text), "op://v/item %d/f", i);
        cr_assert(
            references_intern(&references, str_from(text), (struct place){0}, &first, &at, &error));
    }
    cr_expect_eq(references.count, 1002);
    cr_expect_str_eq(references.list[0]->text, "op://v/i/f");
    references_done(&references);
}
