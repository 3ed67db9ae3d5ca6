#pragma once
/* Memory, text and byte buffers of the fake server. It is a test tool: when memory runs out it
 * aborts, so nothing here returns NULL for want of memory. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Gives n zeroed elements of the size; the caller frees. */
void *mem_new(size_t n, size_t size);

/* Takes p and gives it resized to n elements; added bytes are not set. */
void *mem_grow(void *p, size_t n, size_t size);

/* Gives a copy of the text, or of its first n bytes with a NUL added. */
char *mem_text(const char *text);
char *mem_text_n(const char *text, size_t n);

/* Gives a formatted text. */
char *mem_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A growing row of bytes, always NUL-terminated once something was added. All zero is empty. */
struct buf {
    char *data;
    size_t length;
    size_t capacity;
};

void buf_done(struct buf *buf);
void buf_add(struct buf *buf, const void *data, size_t n);
void buf_print(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives the bytes, never NULL, and leaves the buffer empty. */
char *buf_take(struct buf *buf);

/* Gives base64 text: with + / and padding, or with - _ and none for URLs (RFC 4648). */
char *base64_encode(const void *data, size_t n);
char *base64_encode_url(const void *data, size_t n);

/* Gives the decoded bytes (padding optional, white space skipped), or NULL for other characters. */
unsigned char *base64_decode(const char *text, size_t *ret_n);

/* Whether the text is UTF-8 without surrogates, overlong forms or NUL bytes. */
bool text_is_utf8(const char *text, size_t n);

/* Whether the text is a 1Password ID: 26 characters of a-z0-9. */
bool text_is_id(const char *text);

/* Fills n bytes that cannot be predicted. */
void random_fill(void *bytes, size_t n);

/* Milliseconds of the monotonic clock. */
int64_t clock_monotonic_ms(void);

/* Writes an RFC 3339 time in UTC into the buffer and returns it. */
#define RFC3339_SIZE 32
char *clock_rfc3339(int64_t seconds, char buffer[RFC3339_SIZE]);

/* Writes a file with the mode through a temporary name and a rename.
 * Returns 0, or -1 with errno set. */
int file_write(const char *path, const void *data, size_t n, unsigned mode);

/* Makes the directory with mode 0700, unless it is there. Returns 0, or -1 with errno set. */
int directory_make(const char *path);

/* Gives the bytes of a file of at most limit bytes, or NULL with errno set. */
char *file_read(const char *path, size_t limit, size_t *ret_n);
