/* How long to wait before the next try (design.md, "Failing"): 0.5 s doubled, full jitter, at most
 * 60 s. Pure. */
#pragma once

#include <stdint.h>

enum { BACKOFF_FIRST_MS = 500, BACKOFF_LONGEST_MS = 60000 };

/* `failures` counts from 1; `random` is uniform over 32 bits. From 1 ms to the bound of that
 * failure. */
uint64_t backoff_delay_ms(unsigned failures, uint32_t random);
