#include "reload/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "io/timer.h"

enum { RETRY_MS = 1000, OWNED_MS = 10 };

enum state {
    IDLE, /* not started yet */
    RUNNING,
    RESTARTING, /* asked to end, to be started again */
    STOPPING,   /* asked to end */
    WAITING,    /* it died young; until the timer */
    OVER,
};

struct supervise {
    struct loop *loop;
    struct supervise_owner owner;
    struct timer timer;  /* of the grace, or of the next try */
    struct timer reaper; /* somebody else's zombie is in the way */
    enum state state;
    bool shares_group; /* with us: there is a controlling terminal */
    bool restarted;    /* the present one was started by us in the place of another */
    unsigned tries;
    uint64_t grace_ms;
    uint64_t started_ms;
    pid_t pid;
};

static void kill_command(const struct supervise *supervise, int signal)
{
    (void)kill(supervise->shares_group ? supervise->pid : -supervise->pid, signal);
}

/* --- starting --- */

static bool try_start(struct supervise *supervise, struct error *err)
{
    if (!supervise->owner.start(supervise->owner.context, &supervise->pid, err)) {
        return false;
    }
    supervise->state = RUNNING;
    supervise->started_ms = clock_now_ms(supervise->loop->clock);
    supervise->owner.started(supervise->owner.context, supervise->pid);
    return true;
}

/* As a shell says it of a command that is not there, or not to be run. */
static int status_of(const struct error *error)
{
    if (error->code != ERROR_HOOK) {
        return error_describe(error->code)->exit_status;
    }
    return error->number == ENOENT ? 127 : 126;
}

static void finish(struct supervise *supervise, int exit_status, const struct error *error)
{
    timer_stop(&supervise->timer);
    supervise->state = OVER;
    supervise->owner.ended(supervise->owner.context, exit_status, error);
}

static void start(struct supervise *supervise)
{
    struct error error;
    if (!try_start(supervise, &error)) {
        finish(supervise, status_of(&error), &error);
    }
}

/* --- its end --- */

static bool is_young(const struct supervise *supervise)
{
    uint64_t age = clock_now_ms(supervise->loop->clock) - supervise->started_ms;
    return supervise->restarted && age < SUPERVISE_YOUNG_MS && supervise->tries < SUPERVISE_TRIES;
}

static void on_end(struct supervise *supervise, int status)
{
    int exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    timer_stop(&supervise->timer);
    if (supervise->state == RESTARTING) {
        supervise->restarted = true;
        supervise->tries = 0;
        start(supervise);
    } else if (supervise->state == RUNNING && exit_status != 0 && is_young(supervise)) {
        uint64_t delay = (uint64_t)RETRY_MS << supervise->tries++;
        supervise->state = WAITING;
        timer_set(&supervise->timer, delay);
        supervise->owner.retrying(supervise->owner.context, exit_status, delay);
    } else {
        finish(supervise, exit_status, NULL);
    }
}

static void on_timer(void *context)
{
    struct supervise *supervise = context;
    if (supervise->state == WAITING) {
        start(supervise);
    } else if (supervise->state == RESTARTING || supervise->state == STOPPING) {
        kill_command(supervise, SIGKILL);
    }
}

static bool is_alive(const struct supervise *supervise)
{
    return supervise->state == RUNNING || supervise->state == RESTARTING ||
           supervise->state == STOPPING;
}

static void on_reaper(void *context)
{
    supervise_reap(context);
}

/* Children that somebody waits for himself are left to him: they are looked at first, not reaped.
 */
void supervise_reap(struct supervise *supervise)
{
    siginfo_t info = {.si_pid = 0};
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
        int status;
        if (loop_has_child(supervise->loop, info.si_pid)) {
            timer_set(&supervise->reaper, OWNED_MS);
            return;
        }
        pid_t pid = waitpid(info.si_pid, &status, 0);
        if (is_alive(supervise) && pid == supervise->pid) {
            on_end(supervise, status);
        }
        info.si_pid = 0;
    }
}

/* --- wishes --- */

static void stop(struct supervise *supervise, enum state state)
{
    supervise->state = state;
    timer_set(&supervise->timer, supervise->grace_ms);
}

void supervise_restart(struct supervise *supervise)
{
    if (supervise->state == RUNNING) {
        kill_command(supervise, SIGTERM);
        (void)kill(supervise->pid, SIGCONT); /* one that is stopped hears nothing */
        stop(supervise, RESTARTING);
    } else if (supervise->state == WAITING) {
        supervise->tries = 0;
        timer_set(&supervise->timer, 0);
    }
}

void supervise_signal(struct supervise *supervise, int signal, bool from_terminal)
{
    if (supervise->state == WAITING &&
        (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT)) {
        finish(supervise, 128 + signal, NULL);
        return;
    }
    if (supervise->state == RESTARTING && (signal == SIGINT || signal == SIGQUIT)) {
        supervise->state = STOPPING; /* it was asked to end; who interrupts it wants no new one */
    }
    if (!is_alive(supervise) || (from_terminal && supervise->shares_group)) {
        return;
    }
    kill_command(supervise, signal);
    if (signal == SIGTERM && supervise->state != STOPPING) {
        stop(supervise, STOPPING);
    }
}

void supervise_set_grace(struct supervise *supervise, uint64_t grace_ms)
{
    supervise->grace_ms = grace_ms;
}

/* --- life --- */

bool supervise_new(struct loop *loop, bool shares_group, const struct supervise_owner *owner,
                   struct supervise **ret_supervise, struct error *err)
{
    struct supervise *supervise = calloc(1, sizeof(*supervise));
    if (!supervise) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *supervise = (struct supervise){.loop = loop, .owner = *owner, .shares_group = shares_group};
    if (!timer_init(&supervise->timer, loop, on_timer, supervise, err)) {
        free(supervise);
        return false;
    }
    if (!timer_init(&supervise->reaper, loop, on_reaper, supervise, err)) {
        timer_done(&supervise->timer);
        free(supervise);
        return false;
    }
    *ret_supervise = supervise;
    return true;
}

void supervise_free(struct supervise *supervise)
{
    if (supervise) {
        timer_done(&supervise->timer);
        timer_done(&supervise->reaper);
        free(supervise);
    }
}

void supervise_start(struct supervise *supervise)
{
    start(supervise);
}
