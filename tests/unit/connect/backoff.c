#include "connect/backoff.h"

#include <criterion/criterion.h>

Test(backoff, doubles_up_to_a_minute_with_full_jitter)
{
    const struct {
        unsigned failures;
        uint64_t most;
    } cases[] = {{0, 500},   {1, 500},   {2, 1000},       {5, 8000},
                 {7, 32000}, {8, 60000}, {1000000, 60000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(backoff_delay_ms(cases[i].failures, 0), 1);
        cr_expect_eq(backoff_delay_ms(cases[i].failures, UINT32_MAX), cases[i].most);
        cr_expect_eq(backoff_delay_ms(cases[i].failures, UINT32_MAX / 2 + 1),
                     cases[i].most / 2 + 1);
    }
}
