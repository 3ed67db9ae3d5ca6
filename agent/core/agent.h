/* The life of the agent: when to walk the cycle. A table of states and events says what may happen
 * when; `init` is the life that ends with the first cycle. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/template.h"

struct agent_options {
    const struct template *template; /* borrowed, as all of this */
    const struct log *log;
    const struct clock *clock;
    const char *token_variable; /* value of OP_CONNECT_TOKEN, or null */
    uint64_t timeout_ms;        /* `init` gives up after this; 0: one try */
};

/* Resolves, publishes, returns: the exit status (sysexits). Retries what can heal. */
int agent_init(const struct agent_options *options);
