/* Takes values out of a stream of bytes, however it is cut into pieces: what a value covers becomes
 * MASK_TEXT. Pure: no I/O. Values are looked for line by line, since a program that prints a key
 * puts marks between its lines; lines shorter than MASK_SHORTEST are let through, for a stream
 * would be all marks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"

#define MASK_TEXT "<concealed by connect-agent>"

enum {
    MASK_SHORTEST = 4,           /* bytes of a line */
    MASK_LONGEST = 64 << 10,     /* a longer line is looked for in pieces of this */
    MASK_TABLE = 4 * LIMIT_MASK, /* bytes of a table, at most */
};

/* Appends the lines of `value` to a set that starts as an empty secret. False when it is full, or
 * memory is out. *ret_skipped counts up when the whole of the value is too short. */
bool mask_add(struct secret *set, struct str value, size_t *ret_skipped, struct error *err);
/* The same, and as JSON and a shell would quote it, where that differs: so it stands in logs. */
bool mask_add_value(struct secret *set, struct str value, size_t *ret_skipped, struct error *err);
/* Appends what `older`, a table, holds and `set` does not, as far as there is room. */
bool mask_add_older(struct secret *set, struct str older, struct error *err);
/* The set as a table, which is what mask_apply looks at (render/needles.h); appended. */
bool mask_seal(const struct secret *set, struct secret *table, struct error *err);

/* One stream: what of it is not decided yet. Zero is its beginning. */
struct mask {
    struct secret *held; /* owned; null: nothing */
    size_t covered;      /* bytes of it that a value has covered already */
};

void mask_done(struct mask *mask);
/* Appends to `into` what of `more` can be let go of: all but an end that may be the beginning of a
 * value. With `is_end` that too. After a failure nothing is lost: `more` is to be given again. */
bool mask_apply(struct mask *mask, struct str table, struct str more, bool is_end,
                struct secret *into, struct error *err);
