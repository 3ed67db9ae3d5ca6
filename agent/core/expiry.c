#include "core/expiry.h"

#include <inttypes.h>
#include <stdio.h>

#define MINUTE ((int64_t)60)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const int64_t levels[] = {14 * DAY, 3 * DAY, DAY, HOUR, 0};

unsigned expiry_level(int64_t expires, int64_t now)
{
    unsigned level = 0;
    while (expires > 0 && level < sizeof(levels) / sizeof(levels[0]) &&
           expires - now <= levels[level]) {
        level++;
    }
    return level;
}

void expiry_print(int64_t expires, int64_t now, char *into, size_t size)
{
    int64_t left = expires > now ? expires - now : now - expires;
    int64_t unit = left >= 2 * DAY ? DAY : left >= 2 * HOUR ? HOUR : MINUTE;
    const char *name = unit == DAY ? "days" : unit == HOUR ? "hours" : "minutes";
    if (expires > now) {
        snprintf(into, size, "the token expires in %" PRId64 " %s; mount a new one", left / unit,
                 name);
    } else {
        snprintf(into, size, "the token expired %" PRId64 " %s ago by its own account", left / unit,
                 name);
    }
}
