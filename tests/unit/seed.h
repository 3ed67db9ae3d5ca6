/* The seed of a random test: SEED of the environment, or another each time; printed, so that a
 * failure can be repeated. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline unsigned seed_of_run(void)
{
    const char *text = getenv("SEED");
    unsigned seed = text ? (unsigned)strtoul(text, NULL, 10) : (unsigned)getpid();
    printf("SEED=%u\n", seed);
    return seed;
}
