/* Runs the hooks of one output, one after the other, on the loop; a new start replaces what has not
 * begun yet. Before publishing, each is tried once and the first failure ends the list. After a
 * change, a hook that fails is tried again, 1 s, 2 s, 4 s … later, and then passed over. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "io/loop.h"
#include "model/hook.h"

enum { HOOKS_TRIES = 5 }; /* of each hook, after a change */

enum hooks_kind {
    HOOKS_BEFORE_PUBLISH,
    HOOKS_ON_CHANGE,
};

/* How an HTTP hook ended: null is an answer 2xx. To be called once, later, never from within. */
struct hooks_http_done {
    void (*call)(void *context, const struct error *error);
    void *context;
};

/* Where the new generation is, and its number. */
struct hooks_place {
    const char *directory;
    const char *generation;
};

struct hooks_owner {
    /* Starts the request of a hook of kind HOOK_HTTP, with its timeout; redirects are not followed,
     * the body of the answer does not count. What no hook asks for may be null. */
    bool (*http)(void *context, const struct hook *hook, struct hooks_http_done done,
                 struct error *err);
    void (*http_cancel)(void *context); /* `done` of the last one will not be called */
    /* Starts the command of a hook of kind HOOK_EXEC (reload/exec.h). `directory` and `generation`
     * are those of hooks_start. */
    bool (*command)(void *context, const struct hook *hook, const struct hooks_place *place,
                    int output, pid_t *ret_pid, struct error *err);
    /* Signals the processes that a hook with `exe:` means (reload/process.h). */
    bool (*program)(void *context, const struct hook *hook, struct error *err);
    /* After every try, the `tries`th of this hook; null: it went well. */
    void (*ran)(void *context, const struct hook *hook, unsigned tries, const struct error *error);
    /* The whole list is over, and nothing new was started meanwhile. ok: no hook failed for good.
     */
    void (*done)(void *context, bool ok);
    void *context;
};

struct hooks;

bool hooks_new(struct loop *loop, enum hooks_kind kind, const struct hooks_owner *owner,
               struct hooks **ret_hooks, struct error *err);
/* Cancels. Not from within a callback of the owner. Null is allowed. */
void hooks_free(struct hooks *hooks);

/* Copies all it is given. `directory` is what {{ directory }} stands for. While a hook runs, the
 * list waits for its end and replaces what was to come; while one waits for its next try, it begins
 * at once. The owner is called later, never from within; it may start and cancel in its callbacks.
 */
bool hooks_start(struct hooks *hooks, const struct hook *list, size_t count, const char *directory,
                 const char *generation, struct error *err);
/* Kills what runs, forgets what waits; `done` will not be called. */
void hooks_cancel(struct hooks *hooks);

/* Between a start and its done. */
bool hooks_busy(const struct hooks *hooks);
