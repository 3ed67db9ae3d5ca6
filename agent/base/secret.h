/* Bytes that must not leave the process by accident. They live in pages of their own that are
 * locked (best effort), left out of core dumps, empty in a forked child, and wiped as soon as they
 * are freed or moved. There is no formatter: a secret cannot reach a log or a message by mistake.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct secret;

/* An empty secret that can grow to `limit` bytes; null when memory is out. */
struct secret *secret_new(size_t limit);
/* Wipes. Null is allowed. */
void secret_free(struct secret *secret);

bool secret_append(struct secret *secret, struct str text, struct error *err);
bool secret_append_secret(struct secret *secret, const struct secret *more, struct error *err);
/* Makes it `size` bytes long; what is new is zero, what is cut off is wiped. */
bool secret_resize(struct secret *secret, size_t size, struct error *err);

/* Borrowed until the next change. NUL-terminated, may hold NULs. */
struct str secret_str(const struct secret *secret);
char *secret_bytes(struct secret *secret);
size_t secret_size(const struct secret *secret);
bool secret_equal(const struct secret *a, const struct secret *b);

/* The allocator beneath, in the shape that cJSON and curl take: wipes what it frees. */
void *secret_alloc(size_t size);
void *secret_calloc(size_t count, size_t size);
void *secret_realloc(void *bytes, size_t size);
char *secret_strdup(const char *text);
void secret_release(void *bytes);

/* Bytes in use, and bytes mapped, for tests and metrics. When nothing is in use nothing is mapped.
 */
size_t secret_in_use(void);
size_t secret_mapped(void);

static inline void secret_cleanup(struct secret **secret)
{
    secret_free(*secret);
}
#define SECRET_AUTO __attribute__((cleanup(secret_cleanup))) struct secret *
