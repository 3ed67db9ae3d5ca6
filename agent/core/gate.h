/* What a new generation has to pass before it is published: the `beforePublish` hooks of each
 * output that has one, one output after the other. The first failure ends it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/commands.h"
#include "core/journal.h"
#include "io/loop.h"
#include "model/template.h"

struct gate;

struct gate_options {
    struct loop *loop; /* all borrowed */
    struct journal *journal;
    const struct commands *commands; /* null: no hook needs them */
    const struct template *template;
    /* Where the staged files of an output are; null when it has nothing new. */
    const char *(*staged_path)(void *context, size_t output);
    /* Over. The error names the output. Called from the loop; do not free the gate there. */
    void (*done)(void *context, const struct error *error);
    void *context;
};

/* *ret_gate is null when no hook has to run: then `done` is not called. */
bool gate_open(const struct gate_options *options, uint64_t generation, struct gate **ret_gate,
               struct error *err);
/* Cancels. Null is allowed. */
void gate_free(struct gate *gate);
