/* What crashes and former generations left behind. Only names of ours (publish/pattern.h) are
 * removed. What cannot be removed now is left to the next run. */
#pragma once

#include "publish/names.h"

/* Of a publication that did not end: staged directories and files, temporary symlinks. */
void sweep_leftovers(int directory);

/* Generations other than `current` and `previous`. When `previous` is null, the latest before
 * `current` is it. */
void sweep_generations(int directory, const char *current, const char *previous);

/* Symlinks into the published generation whose names are not in `wanted`. */
void sweep_links(int directory, const struct names *wanted);

/* Does the symlink `name` lead to the file of its name in the published generation? */
bool sweep_is_link(int directory, const char *name);
