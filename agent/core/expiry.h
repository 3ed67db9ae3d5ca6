/* How near the end of a token is: what to warn of, and the words for it. Pure. The times are the
 * token's own account (connect-api.md, "Token"). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* 0: not near, or never (`expires` is 0); then one more within 14 days, 3 days, 1 day, 1 hour, and
 * after the end. Seconds since 1970. */
unsigned expiry_level(int64_t expires, int64_t now);
/* "the token expires in 2 days; …". */
void expiry_print(int64_t expires, int64_t now, char *into, size_t size);
