/* Starts a program: with the descriptors, signals, group and file mode mask that it is to have, and
 * nothing else of ours. Memory is shared until it runs, so that what is secret in its arguments and
 * environment is never copied but by the kernel. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct spawn {
    char *const *arguments;   /* ended by null; the first, without a slash, is looked for in PATH */
    char *const *environment; /* NAME=value, ended by null */
    int descriptors[3];       /* of what become its standard ones; -1: it gets ours */
    bool is_bare;   /* no other descriptor, no signal blocked or ignored; else all of these as they
                       were at our birth, and the file mode mask and core limit (io/process.h) */
    bool own_group; /* it leads a process group; else it is in ours */
    bool sibling;   /* a child of our parent, who has to wait for it; we must not be PID 1 */
};

/* 0, or what exec(2) or a step before it said (an errno). *ret_pid is of a process that is there,
 * or has ended and has to be waited for, also after a failure; 0: there is none. */
int spawn_start(const struct spawn *spawn, pid_t *ret_pid);
