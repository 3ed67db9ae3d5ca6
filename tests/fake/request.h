#pragma once
/* One request on its way through the server. */

#include "base.h"
#include "fake.h"
#include "log.h"
#include "reply.h"

#include <microhttpd.h>
#include <stdbool.h>

#define REQUEST_BODY_MAX ((size_t)16 << 20)
#define REQUEST_PARTS_MAX 12

struct request {
    struct fake *fake;
    struct MHD_Connection *connection;
    struct session *session;
    char *query; /* raw, never NULL */
    char *path;  /* decoded */
    char *split; /* what parts point into */
    const char *parts[REQUEST_PARTS_MAX];
    size_t n_parts;
    char method[8];
    bool is_control;
    bool too_large;
    bool in_flight;
    struct buf body;
    bool is_authorized;
    struct log_entry entry; /* with the name of the token */
};

/* Splits the path below the prefix at its slashes, of which one at the end does not count (the
 * official JavaScript client puts it there). n_parts is 0 if the path is elsewhere, or has too many
 * parts. */
void request_split(struct request *request, const char *path);

/* Whether part i is there and is the text. */
bool request_part_is(const struct request *request, size_t i, const char *text);

/* Borrowed: a decoded argument of the query, or NULL; whether it is "true". */
const char *request_argument(const struct request *request, const char *name);
bool request_argument_true(const struct request *request, const char *name);
/* A whole number of the query from 0 to limit, or the default. */
int64_t request_argument_number(const struct request *request, const char *name, int64_t otherwise,
                                int64_t limit);

/* The socket of the client, for what the HTTP library does not do. */
int request_socket(const struct request *request);

/* Waits; false if the server stops or the client went away meanwhile. Negative is for ever. */
bool request_wait(const struct request *request, int64_t ms);

/* Gives the body as JSON, or NULL. */
cJSON *request_json(const struct request *request);

/* Ends the request's time in flight, if it is not ended. Takes the lock. */
void request_leave(struct request *request);
void request_free(struct request *request);
