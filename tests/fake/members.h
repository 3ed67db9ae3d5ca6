#pragma once
/* Short forms for the members of JSON objects. */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* Takes the value: it replaces the member, or is added. */
void members_set(cJSON *object, const char *name, cJSON *value);
void members_set_text(cJSON *object, const char *name, const char *text);

/* Borrowed text of the member, or NULL if it is absent or not a text. */
const char *members_text(const cJSON *object, const char *name);

/* Whether the member is true. */
bool members_true(const cJSON *object, const char *name);

/* The member as a whole number from 0 to limit, or -1 if it is absent or anything else. */
int64_t members_number(const cJSON *object, const char *name, int64_t limit);

/* Whether the object has no member but those named, separated by a space. */
bool members_only(const cJSON *object, const char *names);
