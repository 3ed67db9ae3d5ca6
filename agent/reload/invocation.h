/* What an exec hook runs, for one generation: its arguments with the directory put in, and an
 * environment that holds nothing of ours but PATH, HOME and what the hook may know. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "model/hook.h"

struct invocation {
    char **arguments;   /* owned, ended by null */
    char **environment; /* owned, ended by null */
};

/* Adds CONNECT_AGENT_DIRECTORY and CONNECT_AGENT_GENERATION to the environment. */
bool invocation_init(struct invocation *invocation, const struct hook *hook, const char *directory,
                     const char *generation, struct error *err);
void invocation_done(struct invocation *invocation);
