/* What one refresh hands to the next: versions in the open, values put away. Between refreshes no
 * value is in the process's memory (io/stash.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connect/known.h"
#include "io/stash.h"
#include "model/value.h"

struct memory {
    struct known known;
    struct stash values;
    bool keeps;          /* values are put away for a next refresh; else this is the only one */
    bool pending;        /* what is known is not yet what is published */
    uint64_t generation; /* number of publications that changed anything */
};

bool memory_init(struct memory *memory, size_t references, bool keeps, struct error *err);
void memory_done(struct memory *memory);

/* Gives the values that are kept their bytes. Without them nothing is known any more. */
bool memory_restore(struct memory *memory, struct values *values, struct error *err);
/* Puts all values away. */
bool memory_store(struct memory *memory, const struct values *values, struct error *err);
