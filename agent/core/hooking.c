#include "core/hooking.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "connect/webhook.h"

struct hooking {
    struct hooking_options options;
    struct hooks *hooks;
    struct webhook *webhook; /* of the HTTP hook that was last begun */
    struct hooks_http_done http_done;
    struct error error; /* of the last that failed for good */
};

/* --- HTTP --- */

static void on_answer(void *context, const struct transport_answer *answer,
                      const struct error *error)
{
    struct hooking *hooking = context;
    struct error bad;
    if (answer && (answer->status < 200 || answer->status > 299)) {
        error_set(&bad, ERROR_HOOK, "the answer has status %ld", answer->status);
        error = &bad;
    } else if (error) {
        bad = *error;
        bad.code = ERROR_HOOK;
        error = &bad;
    }
    hooking->http_done.call(hooking->http_done.context, error);
}

static void http_cancel(void *context)
{
    struct hooking *hooking = context;
    webhook_free(hooking->webhook);
    hooking->webhook = NULL;
}

static bool http(void *context, const struct hook *hook, struct hooks_http_done done,
                 struct error *err)
{
    struct hooking *hooking = context;
    const struct webhook_request request = {.url = hook->url,
                                            .method = hook->method,
                                            .ca_file = hooking->options.settings->ca_file,
                                            .timeout_ms = hook->timeout_ms,
                                            .limit = LIMIT_HOOK_ANSWER};
    http_cancel(hooking); /* that of the hook before is over */
    hooking->http_done = done;
    return webhook_start(hooking->options.loop, &request,
                         (struct transport_done){on_answer, hooking}, &hooking->webhook, err);
}

/* --- commands --- */

static bool command(void *context, const struct hook *hook, const struct hooks_place *place,
                    int output, pid_t *ret_pid, struct error *err)
{
    const struct hooking *hooking = context;
    return commands_run_hook(hooking->options.commands, hook, place->directory, place->generation,
                             output, ret_pid, err);
}

static bool program(void *context, const struct hook *hook, struct error *err)
{
    const struct hooking *hooking = context;
    return commands_signal(hooking->options.commands, hook, err);
}

/* --- what comes of them --- */

static void on_ran(void *context, const struct hook *hook, unsigned tries,
                   const struct error *error)
{
    struct hooking *hooking = context;
    enum hooks_kind kind = hooking->options.kind;
    bool last = kind == HOOKS_BEFORE_PUBLISH || tries == HOOKS_TRIES;
    if (error && last) {
        hooking->error = *error;
    }
    journal_hook(
        hooking->options.journal,
        &(struct journal_hook){.phase = kind == HOOKS_ON_CHANGE ? "onChange" : "beforePublish",
                               .output = hooking->options.output->directory,
                               .hook = hook,
                               .tries = tries,
                               .is_last = last,
                               .error = error});
}

static void on_done(void *context, bool ok)
{
    struct hooking *hooking = context;
    http_cancel(hooking);
    if (hooking->options.done) {
        hooking->options.done(hooking->options.context, ok ? NULL : &hooking->error);
    }
}

/* --- life --- */

bool hooking_new(const struct hooking_options *options, struct hooking **ret_hooking,
                 struct error *err)
{
    struct hooking *hooking = calloc(1, sizeof(*hooking));
    if (!hooking) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    hooking->options = *options;
    const struct hooks_owner owner = {http,   http_cancel, command, program,
                                      on_ran, on_done,     hooking};
    if (!hooks_new(options->loop, options->kind, &owner, &hooking->hooks, err)) {
        free(hooking);
        return false;
    }
    *ret_hooking = hooking;
    return true;
}

void hooking_free(struct hooking *hooking)
{
    if (hooking) {
        hooks_free(hooking->hooks);
        webhook_free(hooking->webhook);
        free(hooking);
    }
}

bool hooking_start(struct hooking *hooking, const char *directory, uint64_t generation,
                   struct error *err)
{
    const struct output *output = hooking->options.output;
    bool before = hooking->options.kind == HOOKS_BEFORE_PUBLISH;
    char number[24];
    snprintf(number, sizeof(number), "%" PRIu64, generation);
    return hooks_start(hooking->hooks, before ? output->before_publish : output->on_change,
                       before ? output->before_publish_count : output->on_change_count, directory,
                       number, err);
}

bool hooking_is_busy(const struct hooking *hooking)
{
    return hooks_busy(hooking->hooks);
}
