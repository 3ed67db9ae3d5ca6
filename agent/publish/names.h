/* A sorted set of names. Sorted means that a directory comes before what lies in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct names {
    char **list; /* owned */
    size_t count;
    size_t capacity;
};

void names_done(struct names *names);

/* Nothing happens when it is there already. Fails only when memory is out. */
bool names_add(struct names *names, struct str name, struct error *err);
/* Adds every directory on the way to `path`: "a" and "a/b" of "a/b/c". */
bool names_add_parents(struct names *names, const char *path, struct error *err);
void names_remove(struct names *names, struct str name);

bool names_has(const struct names *names, struct str name);
bool names_equal(const struct names *a, const struct names *b);

static inline void names_cleanup(struct names *names)
{
    names_done(names);
}
#define NAMES_AUTO __attribute__((cleanup(names_cleanup))) struct names
