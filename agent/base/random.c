#include "base/random.h"

#include <sys/random.h>

uint32_t random_number(void)
{
    uint32_t number = 0;
    /* 4 bytes are never delivered in part, and fail only before the pool is ready at boot. */
    (void)!getrandom(&number, sizeof(number), 0);
    return number;
}
