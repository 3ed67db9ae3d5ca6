#include "reload/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/timer.h"
#include "reload/exec.h"
#include "reload/process.h"

enum { RETRY_MS = 1000 }; /* doubled with every try */

enum state {
    IDLE,
    WAITING, /* for the timer: the next hook, or the next try */
    RUNNING, /* a hook */
};

/* What one start brought. */
struct batch {
    struct hook *list; /* owned */
    size_t count;
    char *directory;
    char *generation;
};

struct hooks {
    struct loop *loop; /* borrowed */
    enum hooks_kind kind;
    struct hooks_owner owner;
    struct timer timer;
    enum state state;
    struct batch batch;
    struct batch next; /* waits for the end of the running hook */
    bool has_next;
    size_t at;      /* the present hook */
    unsigned tries; /* of it */
    bool failed;    /* one of the list, for good */
    struct exec_run *exec;
    bool http; /* a request is under way */
};

static void batch_done(struct batch *batch)
{
    hook_list_free(batch->list, batch->count);
    free(batch->directory);
    free(batch->generation);
    *batch = (struct batch){.count = 0};
}

static bool batch_init(struct batch *batch, const struct hook *list, size_t count,
                       const char *directory, const char *generation, struct error *err)
{
    *batch = (struct batch){.count = 0};
    if (!hook_list_copy(list, count, &batch->list, err)) {
        return false;
    }
    batch->count = count;
    batch->directory = strdup(directory);
    batch->generation = strdup(generation);
    if (!batch->directory || !batch->generation) {
        batch_done(batch);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return true;
}

/* From the first hook of the batch. */
static void begin(struct hooks *hooks)
{
    hooks->at = 0;
    hooks->tries = 0;
    hooks->failed = false;
    hooks->state = WAITING;
    timer_set(&hooks->timer, 0);
}

static void finish(struct hooks *hooks)
{
    bool ok = !hooks->failed;
    hooks->state = IDLE;
    batch_done(&hooks->batch);
    hooks->owner.done(hooks->owner.context, ok);
}

/* The present hook is through, well or not. */
static void step(struct hooks *hooks, bool ok)
{
    hooks->failed = hooks->failed || !ok;
    hooks->at++;
    hooks->tries = 0;
    if (!ok && hooks->kind == HOOKS_BEFORE_PUBLISH) {
        hooks->at = hooks->batch.count;
    }
    hooks->state = WAITING;
    timer_set(&hooks->timer, 0);
}

/* A try of the present hook is over; null: it went well. */
static void ended(struct hooks *hooks, const struct error *error)
{
    unsigned most = hooks->kind == HOOKS_ON_CHANGE ? HOOKS_TRIES : 1;
    hooks->tries++;
    hooks->owner.ran(hooks->owner.context, &hooks->batch.list[hooks->at], hooks->tries, error);
    if (hooks->state != RUNNING) {
        return; /* cancelled, and maybe started again */
    }
    if (hooks->has_next) {
        hooks->has_next = false;
        batch_done(&hooks->batch);
        hooks->batch = hooks->next;
        hooks->next = (struct batch){.count = 0};
        begin(hooks);
    } else if (error && hooks->tries < most) {
        hooks->state = WAITING;
        unsigned doubled = hooks->tries > 0 ? hooks->tries - 1 : 0;
        timer_set(&hooks->timer, (uint64_t)RETRY_MS << (doubled < most ? doubled : 0));
    } else {
        step(hooks, !error);
    }
}

/* --- the three kinds --- */

static void run_signal(struct hooks *hooks, const struct hook *hook)
{
    struct error error;
    size_t count;
    if (hook->exe) {
        ended(hooks, hooks->owner.program(hooks->owner.context, hook, &error) ? NULL : &error);
        return;
    }
    int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        error_set_errno(&error, ERROR_HOOK, errno, "/proc cannot be read");
        ended(hooks, &error);
        return;
    }
    bool ok = process_signal(fd, hook, &count, &error);
    close(fd);
    ended(hooks, ok ? NULL : &error);
}

static void on_exec(void *context, const struct exec_result *result)
{
    struct hooks *hooks = context;
    struct error error;
    hooks->exec = NULL;
    bool ok = exec_explain(result, hooks->batch.list[hooks->at].command[0], &error);
    ended(hooks, ok ? NULL : &error);
}

static bool start_command(void *context, int output, pid_t *ret_pid, struct error *err)
{
    const struct hooks *hooks = context;
    const struct hooks_place place = {hooks->batch.directory, hooks->batch.generation};
    return hooks->owner.command(hooks->owner.context, &hooks->batch.list[hooks->at], &place, output,
                                ret_pid, err);
}

static void run_exec(struct hooks *hooks, const struct hook *hook)
{
    struct error error;
    const struct exec_request request = {hooks, start_command, hook->timeout_ms, EXEC_GRACE_MS};
    if (!exec_start(hooks->loop, &request, (struct exec_done){on_exec, hooks}, &hooks->exec,
                    &error)) {
        ended(hooks, &error);
    }
}

static void on_http(void *context, const struct error *error)
{
    struct hooks *hooks = context;
    hooks->http = false;
    ended(hooks, error);
}

static void run_http(struct hooks *hooks, const struct hook *hook)
{
    struct error error;
    hooks->http = hooks->owner.http(hooks->owner.context, hook,
                                    (struct hooks_http_done){on_http, hooks}, &error);
    if (!hooks->http) {
        ended(hooks, &error);
    }
}

static void on_time(void *context)
{
    struct hooks *hooks = context;
    if (hooks->at == hooks->batch.count) {
        finish(hooks);
        return;
    }
    const struct hook *hook = &hooks->batch.list[hooks->at];
    hooks->state = RUNNING;
    switch (hook->kind) {
    case HOOK_SIGNAL:
        run_signal(hooks, hook);
        break;
    case HOOK_HTTP:
        run_http(hooks, hook);
        break;
    case HOOK_EXEC:
        run_exec(hooks, hook);
        break;
    }
}

/* --- life --- */

bool hooks_new(struct loop *loop, enum hooks_kind kind, const struct hooks_owner *owner,
               struct hooks **ret_hooks, struct error *err)
{
    struct hooks *hooks = calloc(1, sizeof(*hooks));
    if (!hooks) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    hooks->loop = loop;
    hooks->kind = kind;
    hooks->owner = *owner;
    if (!timer_init(&hooks->timer, loop, on_time, hooks, err)) {
        free(hooks);
        return false;
    }
    *ret_hooks = hooks;
    return true;
}

void hooks_free(struct hooks *hooks)
{
    if (hooks) {
        hooks_cancel(hooks);
        timer_done(&hooks->timer);
        free(hooks);
    }
}

bool hooks_start(struct hooks *hooks, const struct hook *list, size_t count, const char *directory,
                 const char *generation, struct error *err)
{
    struct batch batch;
    if (!batch_init(&batch, list, count, directory, generation, err)) {
        return false;
    }
    bool running = hooks->state == RUNNING;
    struct batch *into = running ? &hooks->next : &hooks->batch;
    batch_done(into);
    *into = batch;
    hooks->has_next = running;
    if (!running) {
        begin(hooks);
    }
    return true;
}

void hooks_cancel(struct hooks *hooks)
{
    exec_cancel(hooks->exec);
    hooks->exec = NULL;
    if (hooks->http) {
        hooks->http = false;
        hooks->owner.http_cancel(hooks->owner.context);
    }
    hooks->has_next = false;
    batch_done(&hooks->next);
    timer_stop(&hooks->timer);
    hooks->state = IDLE;
    batch_done(&hooks->batch);
}

bool hooks_busy(const struct hooks *hooks)
{
    return hooks->state != IDLE;
}
