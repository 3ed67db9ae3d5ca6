#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_done(struct buf *buf)
{
    free(buf->bytes);
    buf->bytes = NULL;
    buf->size = buf->capacity = 0;
}

static bool reserve(struct buf *buf, size_t more, struct error *err)
{
    if (more > buf->limit - buf->size) {
        size_t limit = buf->limit;
        buf_done(buf);
        return error_set(err, ERROR_CONTENT, "larger than the limit of %zu bytes", limit);
    }
    size_t needed = buf->size + more + 1;
    if (needed <= buf->capacity) {
        return true;
    }
    size_t capacity = buf->capacity * 2 > needed ? buf->capacity * 2 : needed + 32;
    char *bytes = realloc(buf->bytes, capacity);
    if (!bytes) {
        buf_done(buf);
        return error_set(err, ERROR_MEMORY, "out of memory (%zu bytes)", capacity);
    }
    buf->bytes = bytes;
    buf->capacity = capacity;
    return true;
}

bool buf_append(struct buf *buf, struct str text, struct error *err)
{
    if (!reserve(buf, text.size, err)) {
        return false;
    }
    if (text.size > 0) {
        memcpy(buf->bytes + buf->size, text.bytes, text.size);
    }
    buf->size += text.size;
    buf->bytes[buf->size] = '\0';
    return true;
}

bool buf_format(struct buf *buf, struct error *err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0 || !reserve(buf, (size_t)size, err)) {
        return false;
    }
    va_start(arguments, format);
    vsnprintf(buf->bytes + buf->size, (size_t)size + 1, format, arguments);
    va_end(arguments);
    buf->size += (size_t)size;
    return true;
}

void buf_clear(struct buf *buf)
{
    buf->size = 0;
    if (buf->bytes) {
        buf->bytes[0] = '\0';
    }
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->bytes, buf->size};
}
