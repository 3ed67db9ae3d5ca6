/* What the broker (io/broker.h) does when it is asked: it starts what the template names, or the
 * command of `exec`, and nothing else. It knows the template as it was at the fork, or as it reads
 * it from its file; of what it is asked it takes no argument, and no variable that the template
 * does not name. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/secret.h"
#include "config/settings.h"
#include "model/template.h"

struct policy {
    const struct template *template; /* in force; borrowed, or `own` */
    struct template *own;            /* one that was read later; owned */
    const char *path;                /* of it, to read it again; or null. Borrowed, as the rest */
    const struct overrides *overrides;
    char *const *command;     /* of exec, ended by null; null: none */
    char *const *environment; /* of this process: what the command inherits */
    bool shares_group;        /* the command stays in our process group */
};

/* `text`: strings, each ended by NUL. ERROR_HOOK says what is refused, or cannot be done. */

/* The directory of a generation, its number, and the command as the template has it. Both outputs
 * of the hook go to `output`. */
bool policy_run_hook(const struct policy *policy, struct secret *text, int output, pid_t *ret_pid,
                     struct error *err);
/* The command, with NAME=value strings in place of what it inherits of these names. `outputs` may
 * be null: ours. */
bool policy_run_command(const struct policy *policy, struct secret *variables, const int *outputs,
                        pid_t *ret_pid, struct error *err);
/* The path of a program (`exe:`) and the number of a signal. */
bool policy_signal(const struct policy *policy, struct secret *text, struct error *err);
/* Reads the template again; when it is wrong the old one stays. */
bool policy_reload(struct policy *policy, struct error *err);
