/* Why an output cannot be written, and what to do about it. Each fills *err with ERROR_OUTPUT and
 * returns false. Paths are shown as the user knows them; contents never are. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Where something failed. */
struct site {
    const char *directory; /* borrowed: as the template writes it */
    int fd;                /* of it, or of the nearest one there is; borrowed */
    uint64_t bytes;        /* that the set needs */
};

/* `path` is relative; null: the directory itself. "PATH: cannot DOING: reason; advice". */
bool explain_errno(const struct site *site, const char *path, const char *doing, int number,
                   struct error *err);
/* A chown to uid:gid was refused. */
bool explain_owner(const struct site *site, const char *path, uid_t uid, gid_t gid, int number,
                   struct error *err);
/* `path` is there, of type `mode`, and must not be replaced; `why` says the rule and the way out.
 */
bool explain_in_the_way(const struct site *site, const char *path, mode_t mode, const char *why,
                        struct error *err);
/* `path` is a symlink that would have to be followed or replaced. */
bool explain_symlink(const struct site *site, const char *path, struct error *err);
/* The file system, whose statfs type is `type`, is not in memory. */
bool explain_disk(const struct site *site, uint32_t type, struct error *err);
