/* One-shot timers of the loop, each on a timerfd of its own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"

struct timer {
    struct loop *loop; /* borrowed */
    struct loop_source source;
    void (*expired)(void *context);
    void *context;
};

/* Not running yet. Borrows the loop until timer_done. */
bool timer_init(struct timer *timer, struct loop *loop, void (*expired)(void *context),
                void *context, struct error *err);
void timer_done(struct timer *timer);

/* Runs out once, `ms` from now; 0 means on the next turn of the loop. Replaces what was set. */
void timer_set(struct timer *timer, uint64_t ms);
void timer_stop(struct timer *timer);
