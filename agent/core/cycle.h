/* The way of the secrets through the house, once: resolve every reference, render every file, stage
 * every output, then commit them. Nothing is visible before everything is staged. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "connect/client.h"
#include "core/journal.h"
#include "core/memory.h"
#include "model/generation.h"
#include "model/template.h"
#include "model/value.h"

struct cycle;

struct cycle_owner {
    void *context;
    /* Over; `error` is null when every output is published. Free the cycle later, not here. */
    void (*done)(void *context, const struct error *error);
};

enum cycle_kind {
    CYCLE_PUBLISH,
    CYCLE_PREVIEW, /* ends when everything is rendered: nothing is staged or written */
};

/* Borrows everything until cycle_free; `done` is called from the loop, never from within. */
bool cycle_start(struct client *client, const struct template *template, enum cycle_kind kind,
                 struct memory *memory, struct journal *journal, struct cycle_owner owner,
                 struct cycle **ret_cycle, struct error *err);
/* Did it make anything visible? */
bool cycle_has_published(const struct cycle *cycle);
bool cycle_has_changed(const struct cycle *cycle, size_t output);
/* Which references and files failed, with their places; borrowed until cycle_free. */
const struct findings *cycle_findings(const struct cycle *cycle);
/* What was resolved and rendered, the latter one for each output; borrowed until cycle_free. */
const struct values *cycle_values(const struct cycle *cycle);
const struct generation *cycle_generations(const struct cycle *cycle);
/* Wipes every value; what was staged and not committed is removed. Null is allowed. */
void cycle_free(struct cycle *cycle);
