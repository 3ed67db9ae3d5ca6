/* Runs one command for as long as it lives, as the first process of a container should: every
 * orphan is reaped, signals reach the whole group of the command, a stop has its grace. Where a
 * terminal is in use, the command stays in its group and session: job control is left alone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "io/loop.h"

enum {
    SUPERVISE_YOUNG_MS = 10000, /* who dies so soon after a restart is started again */
    SUPERVISE_TRIES = 5,        /* so often, 1, 2, 4 … s later */
};

struct supervise_owner {
    void *context;
    /* Starts the command: a child of ours, the leader of a process group unless it shares ours. */
    bool (*start)(void *context, pid_t *ret_pid, struct error *err);
    /* Started (again); it died young after a restart and is started again after `delay_ms`. */
    void (*started)(void *context, pid_t pid);
    void (*retrying)(void *context, int exit_status, uint64_t delay_ms);
    /* Over: the command's exit status, or 128 + signal; with `error`, because it could not be
     * started: 127 when it is not found, 126 when it cannot be run, or what the error means
     * (sysexits). Nothing is called after this. */
    void (*ended)(void *context, int exit_status, const struct error *error);
};

struct supervise;

bool supervise_new(struct loop *loop, bool shares_group, const struct supervise_owner *owner,
                   struct supervise **ret_supervise, struct error *err);
/* A command that still runs is left alone. Null is allowed. */
void supervise_free(struct supervise *supervise);

/* The first start. The owner may be called from within. */
void supervise_start(struct supervise *supervise);
/* SIGTERM, grace, SIGKILL, and a new start. More of them meanwhile are one. */
void supervise_restart(struct supervise *supervise);
/* To the command and its group; one that the terminal sent has reached them already when they share
 * ours. SIGTERM is the wish that it ends: then the grace runs. */
void supervise_signal(struct supervise *supervise, int signal, bool from_terminal);
/* SIGCHLD came. */
void supervise_reap(struct supervise *supervise);
void supervise_set_grace(struct supervise *supervise, uint64_t grace_ms);
