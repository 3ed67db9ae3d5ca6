/* The hooks of one output, run and told: reload/hooks with its HTTP requests, a line in the journal
 * for each try. */
#pragma once

#include <stdbool.h>

#include "core/commands.h"
#include "core/journal.h"
#include "io/loop.h"
#include "model/template.h"
#include "reload/hooks.h"

struct hooking;

struct hooking_options {
    struct loop *loop; /* all borrowed */
    struct journal *journal;
    const struct commands *commands; /* null: no hook needs them */
    const struct settings *settings;
    const struct output *output;
    enum hooks_kind kind;
    void *context;
    /* All of them are over; `error`, of the last that failed for good, is null when none did. May
     * be null. */
    void (*done)(void *context, const struct error *error);
};

bool hooking_new(const struct hooking_options *options, struct hooking **ret_hooking,
                 struct error *err);
/* Not from within `done`. Null is allowed. */
void hooking_free(struct hooking *hooking);

/* See hooks_start. `directory` is where the generation is. */
bool hooking_start(struct hooking *hooking, const char *directory, uint64_t generation,
                   struct error *err);
bool hooking_is_busy(const struct hooking *hooking);
