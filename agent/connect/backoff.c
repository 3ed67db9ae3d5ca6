#include "connect/backoff.h"

uint64_t backoff_delay_ms(unsigned failures, uint32_t random)
{
    uint64_t bound = BACKOFF_FIRST_MS;
    for (unsigned i = 1; i < failures && bound < BACKOFF_LONGEST_MS; i++) {
        bound *= 2;
    }
    if (bound > BACKOFF_LONGEST_MS) {
        bound = BACKOFF_LONGEST_MS;
    }
    return 1 + (bound * random >> 32);
}
