/* The commands of hooks, and that of `exec`: started by a broker (io/broker.h), since what a
 * confined process starts would be confined as it is. A process that has such commands opens this
 * before it confines itself, and before it knows a secret. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "config/settings.h"
#include "io/stash.h"
#include "model/hook.h"
#include "model/template.h"

struct commands;

struct commands_options {
    const struct template *template;
    const char *path; /* of it, to read it again; or null. Borrowed, as the rest */
    const struct overrides *overrides;
    char *const *command; /* of exec, ended by null; null: none */
    char *const *environment;
    bool shares_group; /* the command stays in our process group: there is a terminal */
};

bool commands_open(const struct commands_options *options, struct commands **ret_commands,
                   struct error *err);
/* Null is allowed. */
void commands_close(struct commands *commands);

/* What is started is a child of ours. ERROR_HOOK says why it cannot be. `commands` may be null in
 * these: then there is nobody to ask, and that is the error. */
bool commands_run_hook(const struct commands *commands, const struct hook *hook,
                       const char *directory, const char *generation, int output, pid_t *ret_pid,
                       struct error *err);
/* `variables`: NAME=value strings, each ended by NUL. `outputs` may be null. */
bool commands_run(const struct commands *commands, const struct stash *variables,
                  const int *outputs, pid_t *ret_pid, struct error *err);
/* For a hook with `exe:`, which a confined process cannot see. */
bool commands_signal(const struct commands *commands, const struct hook *hook, struct error *err);
/* The template has changed; the broker reads it too. */
bool commands_reload(const struct commands *commands, struct error *err);
/* Of the broker, in this process; -1: there is none. */
int commands_descriptor(const struct commands *commands);
