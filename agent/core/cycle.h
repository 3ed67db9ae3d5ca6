/* The way of the secrets through the house, once: resolve every reference, render every file, stage
 * every output, let the hooks before publication look at them, then commit. Nothing is visible
 * before everything is staged. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "connect/client.h"
#include "core/commands.h"
#include "core/journal.h"
#include "core/memory.h"
#include "io/loop.h"
#include "model/generation.h"
#include "model/template.h"
#include "model/value.h"

struct cycle;

enum cycle_kind {
    CYCLE_PUBLISH,
    CYCLE_PREVIEW, /* ends when everything is rendered: nothing is staged or written */
};

struct cycle_options {
    struct loop *loop; /* all borrowed until cycle_free */
    struct client *client;
    const struct template *template;
    enum cycle_kind kind;
    struct memory *memory;
    struct journal *journal;
    const struct commands *commands; /* null: no hook needs them */
    void *context;
    /* Over; `error` is null when every output is published. Called from the loop, never from
     * within. Free the cycle later, not here. */
    void (*done)(void *context, const struct error *error);
};

/* What became of an output. */
enum cycle_change {
    CYCLE_UNCHANGED,
    CYCLE_FIRST,    /* published where nothing was */
    CYCLE_REPLACED, /* published in the place of another generation */
};

bool cycle_start(const struct cycle_options *options, struct cycle **ret_cycle, struct error *err);
enum cycle_change cycle_change(const struct cycle *cycle, size_t output);
/* Which references and files failed, with their places; borrowed until cycle_free. */
const struct findings *cycle_findings(const struct cycle *cycle);
/* What was resolved and rendered, the latter one for each output; borrowed until cycle_free. */
const struct values *cycle_values(const struct cycle *cycle);
const struct generation *cycle_generations(const struct cycle *cycle);
/* The rendered environment of a command (render/render.h); null when nothing had to be rendered. */
const struct secret *cycle_environment(const struct cycle *cycle);
/* Wipes every value; what was staged and not committed is removed. Null is allowed. */
void cycle_free(struct cycle *cycle);
