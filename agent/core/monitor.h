/* What others can see of a life that goes on: its metrics, its health, and the listener that shows
 * both. That nobody can listen is told and tried again; it stops nothing. */
#pragma once

#include "base/clock.h"
#include "core/journal.h"
#include "io/loop.h"
#include "io/sandbox.h"
#include "model/settings.h"
#include "report/health.h"
#include "report/listener.h"
#include "report/metrics.h"

struct monitor {
    struct metrics *metrics; /* owned */
    struct health health;
    const struct clock *clock; /* borrowed */
    struct listener *listener; /* owned; null: not listening */
    char *address;             /* owned: where it listens */
    uint64_t began_ms;         /* the refresh that is under way */
};

/* Counting can begin; nobody listens yet. */
bool monitor_init(struct monitor *monitor, const struct clock *clock, struct error *err);
void monitor_done(struct monitor *monitor);

/* All outputs of an earlier process are there. */
void monitor_carry(struct monitor *monitor);
/* What these settings say; opened, kept, moved or closed. Borrows the loop. */
void monitor_listen(struct monitor *monitor, struct loop *loop, struct journal *journal,
                    const struct settings *settings);

/* A refresh begins; it is over, well (null) or not. */
void monitor_begin(struct monitor *monitor);
void monitor_end(struct monitor *monitor, uint64_t generation, const struct error *error);
/* The template's file is in force (null), or not, because of this. */
void monitor_template(struct monitor *monitor, const struct error *error);
/* What is in force, once. */
void monitor_confined(struct monitor *monitor, const struct sandbox *sandbox);
void monitor_follow(struct monitor *monitor, bool by_events);
