/* Is what is published already what should be? Answered from the published files themselves, in
 * wiped memory. What cannot be read counts as different. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"
#include "model/generation.h"
#include "publish/names.h"
#include "publish/write.h"

/* Room for the comparisons below; null when memory is out. */
struct secret *compare_room(struct error *err);

/* The regular file at file->path below `root` has its bytes, mode and owner. */
bool compare_file(int root, const struct generation_file *file, struct secret *room);

/* The directory `fd` has this mode and owner; false when it is negative. */
bool compare_directory(int fd, const struct attributes *attributes);

/* `root` is a directory that holds exactly the set: `files` as above, `directories` (and itself)
 * with these attributes, and nothing else. */
bool compare_tree(int root, const struct generation *generation, const struct names *directories,
                  const struct attributes *attributes, struct secret *room);
