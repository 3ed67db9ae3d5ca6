#include "base/secret.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks of powers of two are cut from chunks and kept in one free list per size; what does not fit
 * a chunk has a mapping of its own. All chunks go back to the kernel when the last block is freed,
 * which is what an idle agent looks like. */
enum {
    CLASS_SMALLEST = 5, /* 32 bytes, header included */
    CLASS_LARGEST = 15, /* 32 kB */
    CLASSES = CLASS_LARGEST - CLASS_SMALLEST + 1,
    CHUNK = 128 << 10,
    PAGE = 4096,
};

/* Before every block. Two words, so that what follows is aligned for any type. */
struct header {
    size_t size;  /* of the block with its header */
    size_t asked; /* bytes the caller may use */
};

struct chunk {
    struct chunk *next;
    size_t used;
};

struct block {
    struct block *next;
};

static struct {
    struct chunk *chunks;
    struct block *free_blocks[CLASSES];
    size_t in_use;
    size_t mapped;
} arena;

struct secret {
    size_t limit;
    size_t size;
    char *bytes; /* never null; capacity is known to the allocator */
};

static void *map(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return NULL;
    }
    /* Best effort: RLIMIT_MEMLOCK is small in many containers, and old kernels lack an advice. */
    int saved = errno;
    (void)mlock(pages, size);
    (void)madvise(pages, size, MADV_DONTDUMP);
    (void)madvise(pages, size, MADV_WIPEONFORK);
    errno = saved;
    arena.mapped += size;
    return pages;
}

static void unmap(void *pages, size_t size)
{
    munmap(pages, size);
    arena.mapped -= size;
}

static size_t class_of(size_t size)
{
    size_t class = 0;
    while (((size_t)1 << (class + CLASS_SMALLEST)) < size) {
        class ++;
    }
    return class;
}

static void *cut(size_t size)
{
    struct chunk *chunk = arena.chunks;
    if (!chunk || CHUNK - chunk->used < size) {
        chunk = map(CHUNK);
        if (!chunk) {
            return NULL;
        }
        chunk->next = arena.chunks;
        chunk->used =
            sizeof(struct header) > sizeof(*chunk) ? sizeof(struct header) : sizeof(*chunk);
        arena.chunks = chunk;
    }
    char *block = (char *)chunk + chunk->used;
    chunk->used += size;
    return block;
}

static void *take_block(size_t *size)
{
    if (*size > (size_t)1 << CLASS_LARGEST) {
        *size = (*size + PAGE - 1) / PAGE * PAGE;
        return map(*size);
    }
    size_t class = class_of(*size);
    *size = (size_t)1 << (class + CLASS_SMALLEST);
    struct block *block = arena.free_blocks[class];
    if (block) {
        arena.free_blocks[class] = block->next;
        return block;
    }
    return cut(*size);
}

static void give_back_chunks(void)
{
    while (arena.chunks) {
        struct chunk *next = arena.chunks->next;
        unmap(arena.chunks, CHUNK);
        arena.chunks = next;
    }
    memset(arena.free_blocks, 0, sizeof(arena.free_blocks));
}

void *secret_alloc(size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size_t whole = size + sizeof(struct header);
    struct header *header = take_block(&whole);
    if (!header) {
        return NULL;
    }
    *header = (struct header){whole, size};
    arena.in_use += whole;
    return header + 1;
}

void secret_release(void *bytes)
{
    if (!bytes) {
        return;
    }
    struct header *header = (struct header *)bytes - 1;
    size_t size = header->size;
    arena.in_use -= size;
    explicit_bzero(header, size);
    if (size > (size_t)1 << CLASS_LARGEST) {
        unmap(header, size);
    } else {
        struct block *block = (struct block *)header;
        size_t class = class_of(size);
        block->next = arena.free_blocks[class];
        arena.free_blocks[class] = block;
    }
    if (arena.in_use == 0) {
        give_back_chunks();
    }
}

void *secret_calloc(size_t count, size_t size)
{
    size_t whole;
    if (__builtin_mul_overflow(count, size, &whole)) {
        return NULL;
    }
    void *bytes = secret_alloc(whole);
    if (bytes) {
        memset(bytes, 0, whole);
    }
    return bytes;
}

void *secret_realloc(void *bytes, size_t size)
{
    if (!bytes) {
        return secret_alloc(size);
    }
    struct header *header = (struct header *)bytes - 1;
    if (size <= header->size - sizeof(*header)) {
        if (size < header->asked) {
            explicit_bzero((char *)bytes + size, header->asked - size);
        }
        header->asked = size;
        return bytes;
    }
    void *moved = secret_alloc(size);
    if (!moved) {
        return NULL;
    }
    memcpy(moved, bytes, header->asked < size ? header->asked : size);
    secret_release(bytes);
    return moved;
}

char *secret_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = secret_alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

struct secret *secret_new(size_t limit)
{
    struct secret *secret = secret_alloc(sizeof(*secret));
    if (!secret) {
        return NULL;
    }
    *secret = (struct secret){.limit = limit, .bytes = secret_calloc(1, 1)};
    if (!secret->bytes) {
        secret_release(secret);
        return NULL;
    }
    return secret;
}

void secret_free(struct secret *secret)
{
    if (secret) {
        secret_release(secret->bytes);
        secret_release(secret);
    }
}

/* Doubles, so that appending byte by byte stays linear. */
static bool reserve(struct secret *secret, size_t size, struct error *err)
{
    if (size > secret->limit) {
        return error_set(err, ERROR_CONTENT, "larger than the limit of %zu bytes", secret->limit);
    }
    size_t capacity = ((struct header *)(void *)secret->bytes - 1)->asked;
    if (size < capacity) {
        return true;
    }
    size_t wanted = capacity * 2 > size + 1 ? capacity * 2 : size + 1;
    char *bytes = secret_realloc(secret->bytes, wanted);
    if (!bytes) {
        return error_set(err, ERROR_MEMORY, "out of memory (%zu bytes)", wanted);
    }
    secret->bytes = bytes;
    return true;
}

bool secret_append(struct secret *secret, struct str text, struct error *err)
{
    size_t size;
    if (__builtin_add_overflow(secret->size, text.size, &size)) {
        return error_set(err, ERROR_CONTENT, "larger than the limit of %zu bytes", secret->limit);
    }
    if (!reserve(secret, size, err)) {
        return false;
    }
    if (text.size > 0) {
        memcpy(secret->bytes + secret->size, text.bytes, text.size);
    }
    secret->size = size;
    secret->bytes[size] = '\0';
    return true;
}

bool secret_append_secret(struct secret *secret, const struct secret *more, struct error *err)
{
    return secret_append(secret, secret_str(more), err);
}

bool secret_resize(struct secret *secret, size_t size, struct error *err)
{
    if (!reserve(secret, size, err)) {
        return false;
    }
    if (size < secret->size) {
        explicit_bzero(secret->bytes + size, secret->size - size);
    } else {
        memset(secret->bytes + secret->size, 0, size - secret->size);
    }
    secret->size = size;
    secret->bytes[size] = '\0';
    return true;
}

struct str secret_str(const struct secret *secret)
{
    return (struct str){secret->bytes, secret->size};
}

char *secret_bytes(struct secret *secret)
{
    return secret->bytes;
}

size_t secret_size(const struct secret *secret)
{
    return secret->size;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return str_equal(secret_str(a), secret_str(b));
}

size_t secret_in_use(void)
{
    return arena.in_use;
}

size_t secret_mapped(void)
{
    return arena.mapped;
}
