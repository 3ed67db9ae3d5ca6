/* The places on the way to a file at which it can be made another one: each directory that holds a
 * name of the path, and of every symlink on it, as in `..data` of a Kubernetes volume; and the file
 * itself, which another path or a bind mount may write to. */
#pragma once

#include <stdbool.h>

enum { TRAIL_LINKS = 40, TRAIL_DEEPEST = 64 };

/* Calls `each` with the absolute path of every such place that exists, and the name in it that
 * matters, which is "" for the file itself. A path whose directories do not exist yet ends at the
 * nearest one that does. */
void trail_walk(const char *path, void (*each)(void *context, const char *place, const char *name),
                void *context);
