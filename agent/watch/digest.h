/* What a file holds, as a number: to see whether it changed without keeping it, for it may be a
 * token. Keyed, so that it tells nothing of the content. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct digest_key {
    uint64_t halves[2];
};

/* SipHash-2-4 (Aumasson and Bernstein, 2012). */
uint64_t digest_bytes(const struct digest_key *key, struct str bytes);

/* Of the regular file at `path`, symlinks followed, up to LIMIT_TEMPLATE_FILE bytes of it. What is
 * not there, or cannot be read, has a digest too: 0. Nothing of the content stays in memory. */
uint64_t digest_file(const struct digest_key *key, const char *path);
