/* The `onChange` hooks of a template, one list for each output. They outlive the refresh that
 * started them, and never hold one up. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/commands.h"
#include "core/journal.h"
#include "io/loop.h"
#include "model/template.h"

struct reactions;

/* All borrowed until reactions_free. */
struct reactions_options {
    struct loop *loop;
    struct journal *journal;
    const struct commands *commands; /* null: no hook needs them */
    const struct template *template;
};

bool reactions_new(const struct reactions_options *options, struct reactions **ret_reactions,
                   struct error *err);
/* Cancels what runs. Null is allowed. */
void reactions_free(struct reactions *reactions);

/* The output has a new generation. What is under way for an older one is replaced. */
bool reactions_start(struct reactions *reactions, size_t output, uint64_t generation,
                     struct error *err);

/* A new template is in force: hooks of the old one that are not over are owed by the output of the
 * new one that has the same directory. */
bool reactions_take_over(struct reactions *reactions, const struct reactions *old,
                         struct error *err);
