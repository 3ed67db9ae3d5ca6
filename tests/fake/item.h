#pragma once
/* Items as the API shows them, and as clients send them. */

#include "world.h"

#include <stdbool.h>

#define ITEM_ERROR_SIZE 256

/* Gives the item without sections, fields and files. */
cJSON *item_render_summary(const struct item *item);

/* Gives the whole item; one-time codes are those of now. With spec_types, only field types of the
 * published OpenAPI file. */
cJSON *item_render_full(const struct item *item, bool spec_types);

/* Gives one member of files[]; with inline_content the bytes too. NULL for an unknown file. */
cJSON *item_render_file(const struct item *item, const struct file *file, bool inline_content);

/* Checks and completes a document of a client: ids, types, generated values. The category must be
 * a known one, or the old document's (NULL for a new item). Returns 0, or -1 with a message. */
int item_accept(cJSON *doc, const cJSON *old, char error[ITEM_ERROR_SIZE]);

/* Gives the document with only the members that clients may write. */
cJSON *item_writable(const cJSON *doc);

/* Applies a JSON Patch (RFC 6902: add, remove, replace) to the document, in which members of
 * arrays can be named by their id too, and "add" to an array appends. Returns 0, or -1 with a
 * message; the document may then be half changed. */
int item_patch(cJSON **doc, const cJSON *patch, char error[ITEM_ERROR_SIZE]);
