/* The complete, rendered set of files of one output directory, ready to be published. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/secret.h"

struct generation_file {
    const char *path; /* borrowed from the template: relative, normalised */
    mode_t mode;
    uid_t uid; /* or OWNER_UNSET */
    gid_t gid;
    struct secret *bytes; /* owned */
};

struct generation {
    struct generation_file *files; /* owned */
    size_t count;
    size_t capacity;
};

bool generation_init(struct generation *generation, size_t capacity, struct error *err);
void generation_done(struct generation *generation); /* wipes */

/* Takes file->bytes; at most `capacity` files. */
void generation_add(struct generation *generation, const struct generation_file *file);
