#include "core/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy.h"
#include "io/broker.h"

struct commands {
    struct broker *broker;
};

enum kind { KIND_HOOK, KIND_COMMAND, KIND_SIGNAL, KIND_RELOAD };

/* --- in the broker --- */

/* Which of them came decides where it writes. */
static bool dispatch(struct policy *policy, const struct broker_request *request,
                     struct secret *text, pid_t *ret_pid, struct error *err)
{
    unsigned outputs = request->descriptors_count;
    if (request->kind == KIND_HOOK && outputs == 1) {
        return policy_run_hook(policy, text, request->descriptors[0], ret_pid, err);
    }
    if (request->kind == KIND_COMMAND && (outputs == 0 || outputs == 2)) {
        return policy_run_command(policy, text, outputs == 2 ? request->descriptors : NULL, ret_pid,
                                  err);
    }
    if (request->kind == KIND_SIGNAL) {
        return policy_signal(policy, text, err);
    }
    if (request->kind == KIND_RELOAD) {
        return policy_reload(policy, err);
    }
    return error_set(err, ERROR_SYSTEM, "the broker was asked nonsense");
}

static bool serve(void *context, const struct broker_request *request, pid_t *ret_pid,
                  struct error *err)
{
    SECRET_AUTO text = secret_new(LIMIT_OUTPUT_FILE);
    if (!text) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return stash_get(request->stash, text, err) && dispatch(context, request, text, ret_pid, err);
}

/* --- in the process that asks --- */

bool commands_open(const struct commands_options *options, struct commands **ret_commands,
                   struct error *err)
{
    struct policy policy = {.template = options->template,
                            .path = options->path,
                            .overrides = options->overrides,
                            .command = options->command,
                            .environment = options->environment,
                            .shares_group = options->shares_group};
    const struct broker_service service = {&policy, serve};
    struct commands *commands = calloc(1, sizeof(*commands));
    if (!commands) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!broker_open(&service, &commands->broker, err)) {
        free(commands);
        return false;
    }
    *ret_commands = commands;
    return true;
}

void commands_close(struct commands *commands)
{
    if (commands) {
        broker_close(commands->broker);
        free(commands);
    }
}

static bool ask(const struct commands *commands, const struct broker_request *request,
                pid_t *ret_pid, struct error *err)
{
    return commands
               ? broker_ask(commands->broker, request, ret_pid, err)
               : error_set(err, ERROR_SYSTEM, "nobody is there to start it: restart connect-agent");
}

/* With a text that is put away for the time of the request. */
static bool ask_with(const struct commands *commands, const struct secret *text,
                     const struct broker_request *request, pid_t *ret_pid, struct error *err)
{
    struct stash stash;
    struct broker_request whole = *request;
    stash_init(&stash);
    whole.stash = &stash;
    bool ok = stash_put(&stash, text, err) && ask(commands, &whole, ret_pid, err);
    stash_done(&stash);
    return ok;
}

static bool add_string(struct secret *text, const char *string, struct error *err)
{
    return secret_append(text, (struct str){string, strlen(string) + 1}, err);
}

bool commands_run_hook(const struct commands *commands, const struct hook *hook,
                       const char *directory, const char *generation, int output, pid_t *ret_pid,
                       struct error *err)
{
    const struct broker_request request = {
        .kind = KIND_HOOK, .descriptors = &output, .descriptors_count = 1};
    SECRET_AUTO text = secret_new(LIMIT_OUTPUT_FILE);
    if (!text) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    bool ok = add_string(text, directory, err) && add_string(text, generation, err);
    for (size_t i = 0; ok && hook->command[i]; i++) {
        ok = add_string(text, hook->command[i], err);
    }
    return ok && ask_with(commands, text, &request, ret_pid, err);
}

bool commands_run(const struct commands *commands, const struct stash *variables,
                  const int *outputs, pid_t *ret_pid, struct error *err)
{
    const struct broker_request request = {.kind = KIND_COMMAND,
                                           .stash = variables,
                                           .descriptors = outputs,
                                           .descriptors_count = outputs ? 2 : 0};
    return ask(commands, &request, ret_pid, err);
}

bool commands_signal(const struct commands *commands, const struct hook *hook, struct error *err)
{
    char number[16];
    pid_t ignored;
    const struct broker_request request = {.kind = KIND_SIGNAL};
    SECRET_AUTO text = secret_new(LIMIT_OUTPUT_FILE);
    if (!text) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    snprintf(number, sizeof(number), "%d", hook->signal);
    return add_string(text, hook->exe, err) && add_string(text, number, err) &&
           ask_with(commands, text, &request, &ignored, err);
}

bool commands_reload(const struct commands *commands, struct error *err)
{
    pid_t ignored;
    const struct broker_request request = {.kind = KIND_RELOAD};
    return !commands || ask(commands, &request, &ignored, err);
}

int commands_descriptor(const struct commands *commands)
{
    return commands ? broker_descriptor(commands->broker) : -1;
}
