/* The only writer of outputs. A generation is staged completely beside what is published, then
 * committed; until the commit, and after any failure, what was published is untouched. What open(2)
 * finds in an atomic output is at every moment, also after a crash, exactly one generation.
 * Everything below an output directory is reached through its descriptor, symlinks not followed. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "model/generation.h"
#include "model/template.h"

struct publication;

/* Opens (or makes) the directory, checks that it is tmpfs or ramfs unless allow_disk, compares with
 * what is published, and, if anything differs (bytes, mode, owner, set of names), writes the new
 * files beside it. Borrows both arguments until publish_free. ERROR_OUTPUT names the path, what was
 * found and what to do. */
bool publish_stage(const struct output *output, const struct generation *generation,
                   struct publication **ret_publication, struct error *err);

/* False when the published files are already exactly these: a commit then only repairs names. */
bool publish_is_changed(const struct publication *publication);
/* Before the commit: is there a generation that this one would replace? */
bool publish_is_replacing(const struct publication *publication);
/* Where the staged files are, for checks before the commit; null when nothing changed, and in a
 * plain output, whose new files lie beside the old ones. */
const char *publish_staged_path(const struct publication *publication);

/* Makes the staged generation visible. Removes names the generation no longer has and leftovers of
 * crashes; keeps the replaced generation until the next commit. */
bool publish_commit(struct publication *publication, struct error *err);

/* Has an earlier process left a generation with every file that this output always has? Nothing is
 * said of its age, nor of what the files hold. */
bool publish_is_there(const struct output *output);

/* Without a commit before, removes what was staged. Null is allowed. */
void publish_free(struct publication *publication);
