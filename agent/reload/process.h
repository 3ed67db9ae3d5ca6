/* Finds the processes that a signal hook means, in a /proc that shows them, and signals exactly
 * these: each is pinned by a pidfd and looked at once more before the signal is sent, so that a
 * number that was given to another process meanwhile is never hit. Of a family (a master and its
 * workers) that matches, the topmost process alone is meant. Never this process itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "model/hook.h"

struct process_list {
    pid_t *pids; /* owned */
    size_t count;
    size_t hidden; /* whose program cannot be seen: other users' */
};

/* All of it for a hook of kind HOOK_SIGNAL: looks again when what it found is gone meanwhile.
 * ERROR_HOOK says what to do when there is none, or when the kernel denies it (`number` is EPERM);
 * others that matched are signalled in that case too. `proc_fd` is the directory /proc. */
bool process_signal(int proc_fd, const struct hook *hook, size_t *ret_count, struct error *err);

/* The two halves. An empty list is no failure. */
bool process_find(int proc_fd, const struct hook *hook, struct process_list *ret_list,
                  struct error *err);
/* *ret_count may be less than listed: some are gone, or are something else now. */
bool process_signal_found(int proc_fd, const struct hook *hook, const struct process_list *list,
                          size_t *ret_count, struct error *err);
void process_list_done(struct process_list *list);
