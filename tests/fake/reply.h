#pragma once
/* An answer before it is sent: status, type, headers, and its whole body. */

#include <cjson/cJSON.h>
#include <stddef.h>

#define REPLY_HEADERS_MAX 32

struct reply {
    unsigned status;
    const char *type; /* static text, or NULL for none */
    char *body;
    size_t length;
    struct {
        char *name;
        char *value;
    } headers[REPLY_HEADERS_MAX];
    size_t n_headers;
};

/* Frees what it holds and makes it empty. */
void reply_done(struct reply *reply);

/* Copies name and value; more than REPLY_HEADERS_MAX are dropped. */
void reply_header(struct reply *reply, const char *name, const char *value);

/* Takes the JSON. */
void reply_json(struct reply *reply, unsigned status, cJSON *json);

/* {"status":..,"message":".."} as Connect's errors are. */
void reply_error(struct reply *reply, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Copies the bytes. The type is static text or NULL. */
void reply_bytes(struct reply *reply, unsigned status, const char *type, const void *data,
                 size_t n);
