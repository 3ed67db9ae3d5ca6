#pragma once
/* Faults on demand: an ordered list of rules, and what the first that matches a request does to
 * its answer. Not locked: the caller holds the server's lock. */

#include "log.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULT_RULES_MAX 1000
#define FAULT_SIZE_MAX ((int64_t)1 << 40)

enum fault_kind {
    FAULT_NONE, /* only latency, no_keepalive or chunked */
    FAULT_STATUS,
    FAULT_RESET,
    FAULT_CLOSE,
    FAULT_TRUNCATE,
    FAULT_GARBAGE,
    FAULT_HTML,
    FAULT_EMPTY,
    FAULT_SIZE,
    FAULT_DEPTH,
    FAULT_DRIP,
    FAULT_HANG,
    FAULT_NOT_SYNCED,
    FAULT_REPLACE
};

/* What is done to one request: the caller's copy, so that the rule may go meanwhile. */
struct fault {
    unsigned id; /* 0: none */
    enum fault_kind kind;
    int64_t latency_ms;
    int64_t number; /* status, truncate, size, depth or drip_bytes */
    int64_t drip_ms;
    bool no_keepalive;
    bool chunked;
    cJSON *rule;    /* owned: "fault" of the rule, with body, content_type, headers, replace */
    char names[64]; /* the keys of the fault, for the log */
};

struct faults;

struct faults *faults_new(void);
void faults_free(struct faults *faults);

/* Borrows the rule. Returns its id, or 0 with a message if it is wrong. */
unsigned faults_add(struct faults *faults, const cJSON *rule, char error[256]);

/* Whether there was such a rule. */
bool faults_remove(struct faults *faults, unsigned id);
void faults_clear(struct faults *faults);

/* Gives the rules with their ids and how often each matched and was applied. */
cJSON *faults_list(const struct faults *faults);

/* Gives the fault for the request; fault_done is to be called. The token is its name or "". */
struct fault faults_match(struct faults *faults, const char *method, enum endpoint endpoint,
                          const char *path, const char *token);
void fault_done(struct fault *fault);
