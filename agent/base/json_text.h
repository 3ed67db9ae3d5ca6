/* JSON that we write: the schema, reports for CI. Indented by two; strings are made printable.
 * After the first failure everything is ignored, and json_text_end tells of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct json_text {
    struct buf buf;
    struct error error;
    unsigned depth;
    bool empty; /* nothing yet in what was opened last */
    bool keyed; /* a key was written, its value is due */
};

void json_text_init(struct json_text *json);
void json_text_done(struct json_text *json);

void json_text_open(struct json_text *json, char bracket); /* { or [ */
void json_text_close(struct json_text *json, char bracket);
void json_text_key(struct json_text *json, const char *key);
void json_text_string(struct json_text *json, const char *text); /* null: null */
void json_text_number(struct json_text *json, int64_t number);
void json_text_boolean(struct json_text *json, bool boolean);

/* A key and its value. */
void json_text_member(struct json_text *json, const char *key, const char *text);

/* The whole, ended by a line feed; borrowed. */
bool json_text_end(struct json_text *json, struct str *ret_text, struct error *err);
