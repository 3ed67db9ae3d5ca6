/* Randomness of the kernel, for jitter and names; not for tests, which pass their own numbers. */
#pragma once

#include <stdint.h>

uint32_t random_number(void);
