#include "core/gate.h"

#include <stdlib.h>

#include "core/hooking.h"

struct gate {
    struct gate_options options;
    uint64_t generation;
    struct hooking **hookings; /* one for each output that has something to pass; else null */
    size_t at;                 /* the output whose hooks run */
};

static bool has_to_pass(const struct gate_options *options, size_t output)
{
    return options->template->outputs[output].before_publish_count > 0 &&
           options->staged_path(options->context, output);
}

/* From output `from` on; *ret_any is false when there is none. */
static bool start_next(struct gate *gate, size_t from, bool *ret_any, struct error *err)
{
    for (size_t i = from; i < gate->options.template->outputs_count; i++) {
        if (gate->hookings[i]) {
            *ret_any = true;
            gate->at = i;
            return hooking_start(gate->hookings[i],
                                 gate->options.staged_path(gate->options.context, i),
                                 gate->generation, err);
        }
    }
    *ret_any = false;
    return true;
}

static void on_done(void *context, const struct error *error)
{
    struct gate *gate = context;
    struct error failed;
    bool any = false;
    if (error) {
        failed = *error;
        error_wrap(&failed, "output %s: beforePublish",
                   gate->options.template->outputs[gate->at].directory);
        gate->options.done(gate->options.context, &failed);
    } else if (!start_next(gate, gate->at + 1, &any, &failed)) {
        gate->options.done(gate->options.context, &failed);
    } else if (!any) {
        gate->options.done(gate->options.context, NULL);
    }
}

static bool add_hooking(struct gate *gate, size_t output, struct error *err)
{
    const struct gate_options *options = &gate->options;
    const struct hooking_options wanted = {.loop = options->loop,
                                           .journal = options->journal,
                                           .commands = options->commands,
                                           .settings = &options->template->settings,
                                           .output = &options->template->outputs[output],
                                           .kind = HOOKS_BEFORE_PUBLISH,
                                           .context = gate,
                                           .done = on_done};
    return hooking_new(&wanted, &gate->hookings[output], err);
}

static bool build(struct gate *gate, struct error *err)
{
    for (size_t i = 0; i < gate->options.template->outputs_count; i++) {
        if (has_to_pass(&gate->options, i) && !add_hooking(gate, i, err)) {
            return false;
        }
    }
    return true;
}

bool gate_open(const struct gate_options *options, uint64_t generation, struct gate **ret_gate,
               struct error *err)
{
    bool any = false;
    struct gate *gate = calloc(1, sizeof(*gate));
    if (!gate) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    gate->options = *options;
    gate->generation = generation;
    gate->hookings = calloc(options->template->outputs_count + 1, sizeof(struct hooking *));
    if (!gate->hookings) {
        gate_free(gate);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!build(gate, err) || !start_next(gate, 0, &any, err)) {
        gate_free(gate);
        return false;
    }
    if (!any) {
        gate_free(gate);
        gate = NULL;
    }
    *ret_gate = gate;
    return true;
}

void gate_free(struct gate *gate)
{
    if (!gate) {
        return;
    }
    for (size_t i = 0; gate->hookings && i < gate->options.template->outputs_count; i++) {
        hooking_free(gate->hookings[i]);
    }
    free(gate->hookings);
    free(gate);
}
