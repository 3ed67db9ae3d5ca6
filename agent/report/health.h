/* What the agent says of itself to those who ask: has it published, and is that recent enough? Time
 * is the loop's clock, so that a step of the wall clock changes nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct health {
    bool published;        /* at least once */
    bool carried;          /* an earlier process has, and all of it is there */
    uint64_t success_ms;   /* of the loop's clock: when a refresh last went through */
    uint64_t max_stale_ms; /* 0: never stale */
    struct error trouble;  /* of the last refresh; ERROR_NONE: all is well */
    struct error template; /* the first mistake of the file that is not in force; likewise */
};

enum health_question {
    HEALTH_LIVE,    /* does the loop turn? */
    HEALTH_STARTUP, /* is a generation published? */
    HEALTH_READY,   /* … and not too long ago? */
    HEALTH_QUESTIONS,
};

enum { HEALTH_LINE = 2 * LIMIT_MESSAGE };

/* Now counts as the last success: how old it is nobody knows. */
void health_carry(struct health *health, uint64_t now_ms);
void health_succeeded(struct health *health, uint64_t now_ms);
void health_failed(struct health *health, const struct error *error);
void health_recovered(struct health *health); /* from that; a success is another thing */

/* The answer, and one line why, without its end. */
bool health_ask(const struct health *health, enum health_question question, uint64_t now_ms,
                char line[HEALTH_LINE]);
/* "startup", "ready", "live": the words of `probe`. False: none of them. */
bool health_find(const char *word, enum health_question *ret_question);
/* "/startupz", "/readyz", "/livez". */
const char *health_path(enum health_question question);
