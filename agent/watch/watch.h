/* Paths → "changed". inotify on every place at which a path can come to mean something else, a
 * debounce, and a digest that decides whether the content differs; who follows looks
 * now and then all the same (watch_look), which covers file systems without events. Nothing is kept
 * of what the files hold. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "io/loop.h"

struct watch;

enum watch_mode {
    WATCH_EVENTS,
    WATCH_POLL, /* inotify cannot be had (EMFILE, ENOSPC): the files are looked at now and then */
};

struct watch_owner {
    void *context;
    /* The content of path number `index` of watch_set is another one. From the loop; may call
     * watch_set. */
    void (*changed)(void *context, size_t index);
    /* `error`: why inotify cannot be had; null when it can be had again. */
    void (*mode)(void *context, enum watch_mode mode, const struct error *error);
};

struct watch_options {
    uint64_t debounce_ms;      /* after the last event … */
    uint64_t debounce_most_ms; /* … and at most so long after the first */
    uint64_t fallback_ms;      /* between looks, when there are no events */
    bool no_events;            /* for tests: as if inotify could not be had */
};

extern const struct watch_options watch_defaults;

/* Borrows the loop and the owner's context; `options` is copied. */
bool watch_new(struct loop *loop, const struct watch_options *options,
               const struct watch_owner *owner, struct watch **ret_watch, struct error *err);
void watch_free(struct watch *watch); /* null is allowed */

/* Follows these paths (copied) and no others. What they hold now is taken as known. */
bool watch_set(struct watch *watch, const char *const paths[], size_t count, struct error *err);

/* Looks at all of them now, by stat, and reads what looks different. */
void watch_look(struct watch *watch);
