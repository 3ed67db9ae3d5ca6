/* New files and directories, with their mode and owner before anything can be seen in them. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "publish/explain.h"

struct attributes {
    mode_t mode;
    uid_t uid; /* or OWNER_UNSET */
    gid_t gid;
};

/* Gives what is open at `fd` its owner and mode. `path` (for messages) is below the site. */
bool write_attributes(const struct site *site, const char *path, int fd,
                      const struct attributes *attributes, struct error *err);

/* Makes the file `name` in `directory` and has it on the disk, if there is one, before it returns.
 * A failure leaves nothing. */
bool write_file(const struct site *site, const char *path, int directory, const char *name,
                const struct attributes *attributes, struct str bytes, struct error *err);
