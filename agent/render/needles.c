#include "render/needles.h"

#include <stdlib.h>
#include <string.h>

/* The table: this head, entries, filter, text. */
struct head {
    uint32_t count;
    uint32_t filter_log2;
};

struct needles_entry {
    uint32_t at; /* in the text */
    uint32_t size;
    uint32_t parent; /* the longest other line that this one begins with, or NONE */
};

enum { FILTER_LEAST = 9, FILTER_BITS = 32 }; /* log2 of bits; bits for each line */

static const uint32_t none = UINT32_MAX;

/* --- the filter: most places of a text are dismissed by it, and touch nothing else --- */

static uint64_t hash(const char *bytes)
{
    uint32_t first;
    memcpy(&first, bytes, NEEDLES_SHORTEST);
    return first * 0x9e3779b97f4a7c15u;
}

static size_t bit_of(uint64_t hash, unsigned filter_log2, unsigned probe)
{
    return hash >> (64 - filter_log2 * (probe + 1)) & (((size_t)1 << filter_log2) - 1);
}

static void filter_add(unsigned char *filter, unsigned filter_log2, struct str line)
{
    for (unsigned probe = 0; probe < 2; probe++) {
        size_t bit = bit_of(hash(line.bytes), filter_log2, probe);
        filter[bit / 8] |= (unsigned char)(1u << bit % 8);
    }
}

static bool filter_passes(const struct needles *needles, uint64_t hash, unsigned probe)
{
    size_t bit = bit_of(hash, needles->filter_log2, probe);
    return needles->filter[bit / 8] >> bit % 8 & 1;
}

static bool may_begin(const struct needles *needles, const char *bytes)
{
    uint64_t hashed = hash(bytes);
    return filter_passes(needles, hashed, 0) && filter_passes(needles, hashed, 1);
}

/* --- making --- */

static int compare(struct str a, struct str b)
{
    int order = memcmp(a.bytes, b.bytes, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_elements(const void *a, const void *b)
{
    return compare(*(const struct str *)a, *(const struct str *)b);
}

static size_t drop_twins(struct str sorted[], size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !str_equal(sorted[kept - 1], sorted[i])) {
            sorted[kept++] = sorted[i];
        }
    }
    return kept;
}

static unsigned log2_for(size_t count)
{
    unsigned log2 = FILTER_LEAST;
    while ((size_t)1 << log2 < count * FILTER_BITS) {
        log2++;
    }
    return log2;
}

static bool begins_with(struct str text, struct str start)
{
    return str_equal(str_slice(text, 0, start.size), start);
}

/* Whoever a line begins with stands before it, and all between them begin with the same. */
static void fill(const struct str lines[], size_t count, struct needles_entry *entries)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parent = i ? i - 1 : none;
        while (parent != none && !begins_with(lines[i], lines[parent])) {
            parent = entries[parent].parent;
        }
        entries[i] = (struct needles_entry){at, (uint32_t)lines[i].size, parent};
        at += (uint32_t)lines[i].size;
    }
}

static bool write_table(const struct str lines[], size_t count, struct secret *table,
                        struct error *err)
{
    const struct head head = {(uint32_t)count, log2_for(count)};
    size_t entries_size = count * sizeof(struct needles_entry);
    size_t filter_size = (size_t)1 << head.filter_log2 >> 3;
    if (!secret_append(table, (struct str){(const char *)&head, sizeof(head)}, err) ||
        !secret_resize(table, sizeof(head) + entries_size + filter_size, err)) {
        return false;
    }
    fill(lines, count, (void *)(secret_bytes(table) + sizeof(head)));
    unsigned char *filter = (void *)(secret_bytes(table) + sizeof(head) + entries_size);
    for (size_t i = 0; i < count; i++) {
        filter_add(filter, head.filter_log2, lines[i]);
    }
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        ok = secret_append(table, lines[i], err);
    }
    return ok;
}

bool needles_make(const struct str lines[], size_t count, struct secret *table, struct error *err)
{
    struct str *sorted = calloc(count + 1, sizeof(*sorted));
    if (!sorted) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (count > 0) {
        memcpy(sorted, lines, count * sizeof(*sorted));
        qsort(sorted, count, sizeof(*sorted), compare_elements);
    }
    bool ok = count == 0 || write_table(sorted, drop_twins(sorted, count), table, err);
    free(sorted);
    return ok;
}

/* --- looking --- */

struct needles needles_open(struct str table)
{
    struct head head;
    if (table.size == 0) {
        return (struct needles){.count = 0};
    }
    memcpy(&head, table.bytes, sizeof(head));
    const char *entries = table.bytes + sizeof(head);
    const char *filter = entries + head.count * sizeof(struct needles_entry);
    return (struct needles){.entries = (const void *)entries,
                            .filter = (const void *)filter,
                            .filter_log2 = head.filter_log2,
                            .text = filter + ((size_t)1 << head.filter_log2 >> 3),
                            .count = head.count};
}

struct str needles_line(const struct needles *needles, size_t index)
{
    const struct needles_entry *entry = &needles->entries[index];
    return (struct str){needles->text + entry->at, entry->size};
}

/* How many lines stand in order up to this text, and itself. */
static uint32_t count_up_to(const struct needles *needles, struct str text)
{
    uint32_t from = 0, to = needles->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (compare(needles_line(needles, middle), text) <= 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

bool needles_have(const struct needles *needles, struct str line)
{
    uint32_t after = count_up_to(needles, line);
    return after > 0 && str_equal(needles_line(needles, after - 1), line);
}

size_t needles_next(const struct needles *needles, struct str text, size_t from)
{
    const struct needles here = *needles; /* in registers */
    if (here.count == 0) {
        return text.size;
    }
    while (from + NEEDLES_SHORTEST <= text.size && !may_begin(&here, text.bytes + from)) {
        from++;
    }
    return from;
}

/* All lines that begin here are among the last one in order and those it begins with. */
struct sight needles_look(const struct needles *needles, struct str here)
{
    struct sight sight = {0, false};
    if (needles->count == 0 || (here.size >= NEEDLES_SHORTEST && !may_begin(needles, here.bytes))) {
        return sight;
    }
    uint32_t after = count_up_to(needles, here);
    sight.is_open = after < needles->count && begins_with(needles_line(needles, after), here);
    uint32_t at = after ? after - 1 : none;
    while (at != none && !begins_with(here, needles_line(needles, at))) {
        at = needles->entries[at].parent;
    }
    sight.longest = at == none ? 0 : needles->entries[at].size;
    return sight;
}
