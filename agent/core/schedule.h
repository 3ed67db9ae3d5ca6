/* When to look at the vaults: each agent has its own phase, so that a fleet that was started at
 * once does not ask at once, and every interval a jitter of ±25 % (design.md, "Following"). Pure.
 */
#pragma once

#include <stdint.h>

/* From the first publication to the first look: a part of the interval that depends on the name of
 * this host alone. At least 1 ms. */
uint64_t schedule_phase_ms(uint64_t interval_ms, const char *hostname);
/* From one look to the next; `random` is uniform over 32 bits. */
uint64_t schedule_next_ms(uint64_t interval_ms, uint32_t random);
