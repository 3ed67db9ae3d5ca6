/* Small values that people write: durations, octal modes, owners. Each accepts the whole text or
 * nothing, and leaves its result untouched on failure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

/* Decimal digits only, at most `largest`. */
bool parse_number(struct str text, uint64_t largest, uint64_t *ret_number);

/* "250ms", "15s", "2m", "24h", "7d", and sums such as "1m30s"; a bare number is refused, except 0.
 * At most 10 years. */
bool parse_duration(struct str text, uint64_t *ret_ms);

/* Octal however it is written: "0400", "400", "0o400"; at most 07777. */
bool parse_mode(struct str text, mode_t *ret_mode);

/* "1000:1000" or "1000": numeric, because names mean nothing across containers. Without a group
 * *ret_gid is (gid_t)-1. */
bool parse_owner(struct str text, uid_t *ret_uid, gid_t *ret_gid);

/* Yes and no as YAML 1.2 writes them: true, false. */
bool parse_boolean(struct str text, bool *ret_boolean);
