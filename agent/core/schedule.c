#include "core/schedule.h"

uint64_t schedule_phase_ms(uint64_t interval_ms, const char *hostname)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a, then mixed: neighbours' names are alike */
    for (const char *at = hostname; *at; at++) {
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    }
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdu;
    hash ^= hash >> 33;
    return 1 + ((interval_ms * (hash >> 32)) >> 32);
}

uint64_t schedule_next_ms(uint64_t interval_ms, uint32_t random)
{
    uint64_t span = interval_ms / 2;
    return interval_ms - interval_ms / 4 + ((span * random) >> 32);
}
