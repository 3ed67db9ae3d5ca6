#include "core/schedule.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { INTERVAL = 60000, AGENTS = 200, SLOTS = 10 };

Test(schedule, the_next_look_is_within_a_quarter_of_the_interval)
{
    cr_expect_eq(schedule_next_ms(INTERVAL, 0), 45000);
    cr_expect(schedule_next_ms(INTERVAL, UINT32_MAX) <= 75000);
    cr_expect(schedule_next_ms(INTERVAL, UINT32_MAX) >= 74999);
    cr_expect_eq(schedule_next_ms(INTERVAL, UINT32_MAX / 2 + 1), INTERVAL);
}

/* Pods of one deployment are named alike. */
Test(schedule, phases_of_a_fleet_are_spread_over_the_interval)
{
    unsigned slots[SLOTS] = {0};
    for (unsigned i = 0; i < AGENTS; i++) {
        char name[64];
        snprintf(name, sizeof(name), "web-7c9f8d6b5-%05u", i);
        uint64_t phase = schedule_phase_ms(INTERVAL, name);
        cr_assert(phase >= 1 && phase <= INTERVAL);
        slots[(phase - 1) * SLOTS / INTERVAL]++;
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        cr_expect(slots[i] >= 8 && slots[i] <= 34, "slot %u has %u of %d agents", i, slots[i],
                  AGENTS);
    }
    cr_expect_eq(schedule_phase_ms(INTERVAL, "a"), schedule_phase_ms(INTERVAL, "a"));
}
