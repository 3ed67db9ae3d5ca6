/* What a plain output holds of ours: the hidden file ..connect-agent, one relative path a line. A
 * directory that we made has a '/' behind. Only what is listed may be removed one day. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "publish/explain.h"
#include "publish/names.h"

/* Adds its lines; none when there is no such file. Lines that are no path of a template's are left
 * out. ERROR_OUTPUT when something else is in its place. */
bool manifest_read(const struct site *site, struct names *manifest, struct error *err);

/* Replaces it in one step; removes it when nothing is listed. */
bool manifest_write(const struct site *site, const struct names *manifest, struct error *err);

/* Entries of the directory `path`. */
bool manifest_has_directory(const struct names *manifest, const char *path);
bool manifest_add_directory(struct names *manifest, const char *path, struct error *err);
void manifest_remove_directory(struct names *manifest, const char *path);
/* False when the entry is a file's. */
bool manifest_is_directory(const char *entry, struct str *ret_path);
