/* The `exec:` block: what a command that is run gets in its environment, and what becomes of it
 * when a secret changes. Part of struct template. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/file.h"

enum launch_reaction {
    LAUNCH_RESTART, /* stop it, start it with the new environment */
    LAUNCH_SIGNAL,  /* its environment stays; files it reads may have changed */
    LAUNCH_NOTHING,
};

struct launch {
    bool counts;             /* it is for a command that is run; else only checked */
    struct file environment; /* of kind FILE_ENVIRONMENT */
    enum launch_reaction reaction;
    int signal;        /* LAUNCH_SIGNAL */
    uint64_t grace_ms; /* from SIGTERM to SIGKILL */
};
