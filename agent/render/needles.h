/* Lines to be found at any place of a text, in a table that needs no preparation: it can lie
 * outside of memory (io/stash.h) and be mapped for one look, which costs the same however large it
 * is. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"

enum { NEEDLES_SHORTEST = 4 }; /* bytes of a line */

struct needles_entry;

/* A table that was opened: points into it. */
struct needles {
    const struct needles_entry *entries; /* in the order of their bytes */
    const char *text;
    const unsigned char *filter; /* two bits for the beginning of each line */
    unsigned filter_log2;        /* of its bits */
    uint32_t count;
};

/* Appends the table of these lines to an empty secret; those that are there twice are once in it.
 */
bool needles_make(const struct str lines[], size_t count, struct secret *table, struct error *err);
/* Borrows the table, which is aligned as memory of malloc(3); of size 0 it has no lines. */
struct needles needles_open(struct str table);
struct str needles_line(const struct needles *needles, size_t index);
bool needles_have(const struct needles *needles, struct str line);

struct sight {
    size_t longest; /* bytes of the longest line that begins here; 0: none does */
    bool is_open;   /* one may begin here that goes on beyond the end */
};

/* The next place at or after `from` at which a line may begin; text.size when there is none. */
size_t needles_next(const struct needles *needles, struct str text, size_t from);
/* `here`: what there is of the text, at least one byte. */
struct sight needles_look(const struct needles *needles, struct str here);
