/* JSON from a peer that is not trusted: cJSON behind limits, with every byte of it in wiping
 * memory. What cJSON would silently cut (a NUL in a string) is refused. The accessors forgive: a
 * member that is absent, null or of another type is simply not there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct cJSON;

/* The whole of `text` must be one value of at most LIMIT_JSON_DEPTH levels. ERROR_PROTOCOL says
 * what is wrong, without quoting the text. */
bool json_parse(struct str text, struct cJSON **ret_json, struct error *err);
void json_free(struct cJSON *json); /* wipes; null is allowed */

bool json_is_array(const struct cJSON *json);
bool json_is_object(const struct cJSON *json);
/* First child of an array or object, then the next; null at the end. */
const struct cJSON *json_first(const struct cJSON *json);
const struct cJSON *json_next(const struct cJSON *json);

const struct cJSON *json_member(const struct cJSON *object, const char *name);
/* Borrowed from the tree; size 0 when there is no such string. */
struct str json_text(const struct cJSON *object, const char *name);
bool json_flag(const struct cJSON *object, const char *name);
/* Whole numbers from 0 to 2^53; false when there is none. */
bool json_number(const struct cJSON *object, const char *name, uint64_t *ret_number);

const char *json_library_version(void);
