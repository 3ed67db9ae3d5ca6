#include "core/expiry.h"

#include <criterion/criterion.h>

#define HOUR ((int64_t)3600)
#define DAY (24 * HOUR)

Test(expiry, has_a_level_for_each_warning)
{
    static const struct {
        int64_t left;
        unsigned level;
    } examples[] = {{15 * DAY, 0}, {14 * DAY + 1, 0}, {14 * DAY, 1}, {3 * DAY, 2}, {DAY + 1, 2},
                    {DAY, 3},      {HOUR, 4},         {1, 4},        {0, 5},       {-DAY, 5}};
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        cr_expect_eq(expiry_level(1000 * DAY + examples[i].left, 1000 * DAY), examples[i].level,
                     "example %zu", i);
    }
    cr_expect_eq(expiry_level(0, 1000 * DAY), 0, "never");
}

Test(expiry, is_told_in_units_that_fit)
{
    static const struct {
        int64_t left;
        const char *text;
    } examples[] = {{13 * DAY + HOUR, "the token expires in 13 days; mount a new one"},
                    {2 * DAY - 1, "the token expires in 47 hours; mount a new one"},
                    {HOUR + HOUR / 2, "the token expires in 90 minutes; mount a new one"},
                    {-3 * DAY, "the token expired 3 days ago by its own account"}};
    char text[96];
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        expiry_print(1000 * DAY + examples[i].left, 1000 * DAY, text, sizeof(text));
        cr_expect_str_eq(text, examples[i].text);
    }
}
