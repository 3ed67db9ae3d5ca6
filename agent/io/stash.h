/* Secrets put away: out of this process's memory until they are wanted again. They lie in memory of
 * the kernel that no file system shows: secret memory, which the kernel itself does not map
 * (memfd_secret(2)), or where it has none an anonymous file (memfd_create(2)). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"

struct stash {
    int fd; /* -1: empty */
    size_t size;
};

void stash_init(struct stash *stash);
void stash_done(struct stash *stash);

/* Replaces what was there; after a failure it is empty. */
bool stash_put(struct stash *stash, const struct secret *bytes, struct error *err);
/* The same, but after a failure it is as before: for a moment both are there. */
bool stash_replace(struct stash *stash, const struct secret *bytes, struct error *err);
/* Appends what is there; nothing when it is empty. */
bool stash_get(const struct stash *stash, struct secret *into, struct error *err);
/* Shows what is there, in its place, for as long as it takes to look; of size 0 when it is empty.
 * Until stash_close it is in this process's memory. */
bool stash_open(const struct stash *stash, struct str *ret_bytes, struct error *err);
void stash_close(struct str bytes);
