/* Where time comes from: one seam, so that tests can set it. */
#pragma once

#include <stdint.h>

struct clock {
    uint64_t (*monotonic_ms)(const struct clock *clock); /* never steps back */
    int64_t (*wall_ms)(const struct clock *clock);       /* since 1970, UTC; can step */
    void *context;
};

extern const struct clock clock_system;

static inline uint64_t clock_now_ms(const struct clock *clock)
{
    return clock->monotonic_ms(clock);
}

static inline int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock);
}
