/* A command on the loop, with a time limit. Somebody else starts it: as our child, the leader of a
 * process group, its outputs at the end of a pipe that he is given. What it prints is kept, up to a
 * limit, for a message. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "io/loop.h"

enum {
    EXEC_OUTPUT = 4096,   /* bytes of stdout and stderr that are kept; the rest is read over */
    EXEC_GRACE_MS = 5000, /* from SIGTERM to SIGKILL */
};

enum exec_end {
    EXEC_EXITED,
    EXEC_SIGNALLED,
    EXEC_TIMED_OUT,
    EXEC_LOST, /* somebody else reaped it: whoever reaps all children must leave ours */
};

struct exec_request {
    void *context;
    bool (*start)(void *context, int output, pid_t *ret_pid, struct error *err);
    uint64_t timeout_ms; /* then SIGTERM to the group */
    uint64_t grace_ms;   /* then SIGKILL; EXEC_GRACE_MS */
};

struct exec_result {
    enum exec_end end;
    int number;         /* exit status, or signal */
    const char *output; /* printable, in one line; borrowed during the callback */
    bool is_cut;        /* it printed more */
};

/* The run is over: it must not be cancelled any more. */
struct exec_done {
    void (*call)(void *context, const struct exec_result *result);
    void *context;
};

struct exec_run;

/* `start` is called from within, `done` later. The error is that of `start`, or ERROR_HOOK. */
bool exec_start(struct loop *loop, const struct exec_request *request, struct exec_done done,
                struct exec_run **ret_run, struct error *err);
/* Kills the group and reaps the command; `done` will not be called. Null is allowed. */
void exec_cancel(struct exec_run *run);

/* True when it exited with 0; else the error says how `program` ended and what it printed. */
bool exec_explain(const struct exec_result *result, const char *program, struct error *err);
