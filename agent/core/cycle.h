/* The way of the secrets through the house, once: resolve every reference, render every file, stage
 * every output, then commit them. Nothing is visible before everything is staged. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "connect/client.h"
#include "core/journal.h"
#include "model/template.h"

struct cycle;

struct cycle_owner {
    void *context;
    /* Over; `error` is null when every output is published. Free the cycle later, not here. */
    void (*done)(void *context, const struct error *error);
};

/* Borrows everything until cycle_free; `done` is called from the loop, never from within. */
bool cycle_start(struct client *client, const struct template *template, struct journal *journal,
                 struct cycle_owner owner, struct cycle **ret_cycle, struct error *err);
/* Which references and files failed, with their places; borrowed until cycle_free. */
const struct findings *cycle_findings(const struct cycle *cycle);
/* Wipes every value; what was staged and not committed is removed. Null is allowed. */
void cycle_free(struct cycle *cycle);
