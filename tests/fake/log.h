#pragma once
/* What was asked: a bounded ring of the last requests, counters, and JSON lines in a file. Not
 * locked: the caller holds the server's lock. */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_RING_SIZE 100000

enum endpoint {
    ENDPOINT_VAULTS,
    ENDPOINT_VAULT,
    ENDPOINT_ITEMS,
    ENDPOINT_ITEM,
    ENDPOINT_FILES,
    ENDPOINT_FILE,
    ENDPOINT_HEALTH,
    ENDPOINT_OTHER,
    ENDPOINT_COUNT
};

/* One request. All texts are cut to their size. */
struct log_entry {
    uint64_t sequence;
    int64_t monotonic_ms;
    int64_t wall_seconds;
    uint64_t connection;
    uint64_t bytes; /* of the body that is sent */
    enum endpoint endpoint;
    unsigned status; /* 0: no answer was given */
    unsigned in_flight;
    unsigned fault_id; /* 0: none */
    int64_t item_version;
    char method[8];
    char path[192];
    char query[128];
    char token[65];
    char jti[32];
    char vault[27];
    char item[27];
    char fault[64];
    char user_agent[128];
    char peer[46];
};

struct log;

/* Borrows nothing. With a path the file is opened for appending; NULL with errno set if it cannot
 * be. */
struct log *log_new(const char *path);
void log_free(struct log *log);

/* A request came in, over the connection; true is to be told once per connection and epoch. */
void log_count_arrival(struct log *log, enum endpoint endpoint);
void log_count_connection(struct log *log);

/* Begins and ends a request's time in flight; begin returns how many there are with it. */
unsigned log_begin(struct log *log);
void log_end(struct log *log);

/* Keeps a copy, with the next sequence number. */
void log_add(struct log *log, const struct log_entry *entry);

/* Forgets entries and counters; connections count anew, told by the epoch that grows. */
void log_reset(struct log *log);
unsigned log_epoch(const struct log *log);

/* The counter by its name in the answer of /_fake/counters ("total", "item", "in_flight", ...), or
 * -1 if there is none. */
int64_t log_counter(const struct log *log, const char *name);

/* Gives JSON. log_activity is /v1/activity's, newest first, and tells how many there are. */
cJSON *log_counters(const struct log *log);
cJSON *log_requests(const struct log *log);
cJSON *log_activity(const struct log *log, size_t offset, size_t limit, size_t *ret_total);

const char *endpoint_name(enum endpoint endpoint);
