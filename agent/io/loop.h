/* A level-triggered epoll loop. It never owns a descriptor; whatever happens in the program is a
 * source: sockets, timers, signals, children. Removing any source while dispatching is safe. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/error.h"

enum { LOOP_BATCH = 32 };

struct loop_source {
    int fd;                                        /* borrowed */
    void (*ready)(void *context, uint32_t events); /* EPOLLIN and its like */
    void *context;
};

/* A child that somebody on the loop waits for himself. */
struct loop_child {
    pid_t pid;
    struct loop_child *next;
};

struct loop {
    int epoll_fd;
    struct loop_child *children; /* borrowed */
    bool stopped;
    const struct clock *clock; /* borrowed */
    struct epoll_event batch[LOOP_BATCH];
    int batch_count;
};

bool loop_init(struct loop *loop, const struct clock *clock, struct error *err);
void loop_done(struct loop *loop);

/* Borrows the source until loop_remove. */
bool loop_add(struct loop *loop, struct loop_source *source, uint32_t events, struct error *err);
bool loop_change(struct loop *loop, struct loop_source *source, uint32_t events, struct error *err);
void loop_remove(struct loop *loop, struct loop_source *source);

/* Whoever reaps orphans leaves these. Borrows the child until loop_remove_child. */
void loop_add_child(struct loop *loop, struct loop_child *child);
void loop_remove_child(struct loop *loop, struct loop_child *child);
bool loop_has_child(const struct loop *loop, pid_t pid);

/* Dispatches until loop_stop. */
bool loop_run(struct loop *loop, struct error *err);
void loop_stop(struct loop *loop);
