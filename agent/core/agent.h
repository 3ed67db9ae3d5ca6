/* The life of the agent: when to walk the cycle. A table of states and events says what may happen
 * when; `init` is the life that ends with the first cycle. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/generation.h"
#include "model/template.h"
#include "model/value.h"

/* What came of a preview; all borrowed, and null or empty where it did not come so far. */
struct agent_view {
    const struct error *error;            /* why it failed; null when all is well */
    const struct values *values;          /* of the template's references */
    const struct findings *findings;      /* references that failed, files that cannot be made */
    const struct generation *generations; /* one for each output */
};

struct agent_preview {
    void *context;
    void (*look)(void *context, const struct agent_view *view);
};

struct agent_options {
    const struct template *template; /* borrowed, as all of this */
    const struct log *log;
    const struct clock *clock;
    const char *token_variable; /* value of OP_CONNECT_TOKEN, or null */
    uint64_t timeout_ms;        /* gives up after this */
    const char *out_file;       /* of a preview: what is written then; or null */
    bool sandbox_off;
};

/* Resolves, publishes, returns: the exit status (sysexits). Retries what can heal. */
int agent_init(const struct agent_options *options);

/* Resolves and renders, publishes nothing, lets `look` see it once. What is not found is not looked
 * for again. */
int agent_preview(const struct agent_options *options, const struct agent_preview *preview);
