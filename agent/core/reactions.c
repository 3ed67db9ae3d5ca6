#include "core/reactions.h"

#include <stdlib.h>
#include <string.h>

#include "core/hooking.h"

struct reactions {
    const struct template *template;
    struct hooking **hookings; /* one for each output; null: it has no hooks */
    uint64_t generation;       /* of the last start */
};

static bool build(struct reactions *reactions, const struct reactions_options *options,
                  struct error *err)
{
    const struct template *template = options->template;
    for (size_t i = 0; i < template->outputs_count; i++) {
        const struct hooking_options wanted = {.loop = options->loop,
                                               .journal = options->journal,
                                               .commands = options->commands,
                                               .settings = &template->settings,
                                               .output = &template->outputs[i],
                                               .kind = HOOKS_ON_CHANGE};
        if (template->outputs[i].on_change_count > 0 &&
            !hooking_new(&wanted, &reactions->hookings[i], err)) {
            return false;
        }
    }
    return true;
}

bool reactions_new(const struct reactions_options *options, struct reactions **ret_reactions,
                   struct error *err)
{
    struct reactions *reactions = calloc(1, sizeof(*reactions));
    if (!reactions) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    reactions->template = options->template;
    reactions->hookings = calloc(options->template->outputs_count + 1, sizeof(struct hooking *));
    if (!reactions->hookings) {
        reactions_free(reactions);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!build(reactions, options, err)) {
        reactions_free(reactions);
        return false;
    }
    *ret_reactions = reactions;
    return true;
}

void reactions_free(struct reactions *reactions)
{
    if (!reactions) {
        return;
    }
    for (size_t i = 0; reactions->hookings && i < reactions->template->outputs_count; i++) {
        hooking_free(reactions->hookings[i]);
    }
    free(reactions->hookings);
    free(reactions);
}

bool reactions_start(struct reactions *reactions, size_t output, uint64_t generation,
                     struct error *err)
{
    struct hooking *hooking = reactions->hookings[output];
    reactions->generation = generation;
    return !hooking ||
           hooking_start(hooking, reactions->template->outputs[output].directory, generation, err);
}

static bool is_busy(const struct reactions *reactions, size_t output)
{
    return reactions->hookings[output] && hooking_is_busy(reactions->hookings[output]);
}

/* Does this directory have hooks that are not over? */
static bool is_owed(const struct reactions *reactions, const char *directory)
{
    for (size_t i = 0; i < reactions->template->outputs_count; i++) {
        if (is_busy(reactions, i) &&
            strcmp(reactions->template->outputs[i].directory, directory) == 0) {
            return true;
        }
    }
    return false;
}

bool reactions_take_over(struct reactions *reactions, const struct reactions *old,
                         struct error *err)
{
    for (size_t i = 0; i < reactions->template->outputs_count; i++) {
        if (is_owed(old, reactions->template->outputs[i].directory) &&
            !reactions_start(reactions, i, old->generation, err)) {
            return false;
        }
    }
    return true;
}
