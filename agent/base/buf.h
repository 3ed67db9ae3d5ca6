/* A growing buffer whose limit is given at birth. Always NUL-terminated once something was
 * appended; on failure it is emptied, so that half a result is never used. Not for secrets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct buf {
    char *bytes; /* owned; null while empty */
    size_t size;
    size_t capacity;
    size_t limit; /* bytes, without the terminator */
};

void buf_init(struct buf *buf, size_t limit);
void buf_done(struct buf *buf);

bool buf_append(struct buf *buf, struct str text, struct error *err);
bool buf_format(struct buf *buf, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void buf_clear(struct buf *buf);

/* Borrowed until the next change. */
struct str buf_str(const struct buf *buf);
