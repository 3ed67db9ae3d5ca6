#include "core/launch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "core/masking.h"
#include "io/stash.h"
#include "io/timer.h"
#include "reload/supervise.h"

enum { REFRESHES_MOST = 3 }; /* before a reference that leads nowhere is believed */

struct launch_life {
    const struct launch_options *options;
    struct loop *loop;
    struct journal *journal;
    struct timer deadline; /* of the start; after a stop, of the last output */
    struct supervise *supervise;
    struct masking *masking; /* null: its output is not masked */
    struct stash block;      /* the variables of the exec block, rendered */
    struct secret *lent;     /* the same, while a command is started */
    char **environment;      /* points into it */
    bool started, stopping, ended;
    uint64_t grace_ms;
    unsigned failures;
    struct error error; /* of the last refresh */
    int exit_status;
};

static void leave(struct launch_life *life, int exit_status)
{
    life->exit_status = exit_status;
    loop_stop(life->loop);
}

static void give_up(struct launch_life *life)
{
    journal_error(life->journal, LOG_ERROR, "the command is not started", &life->error);
    leave(life, error_describe(life->error.code)->exit_status);
}

/* --- its environment --- */

static bool names_same(const char *entry, const char *other)
{
    size_t size = strcspn(entry, "=");
    return strncmp(entry, other, size) == 0 && other[size] == '=';
}

/* The token is ours: no command gets it. */
static bool is_inherited(const struct launch_life *life, const char *entry, size_t own)
{
    for (size_t i = 0; i < own; i++) {
        if (names_same(life->environment[i], entry)) {
            return false;
        }
    }
    return !names_same("OP_CONNECT_TOKEN=", entry);
}

static size_t count_entries(struct str block)
{
    size_t count = 0;
    for (size_t i = 0; i < block.size; i++) {
        count += block.bytes[i] == '\0';
    }
    return count;
}

static bool build_environment(struct launch_life *life, struct error *err)
{
    char *const *inherited = life->options->environment;
    size_t own = count_entries(secret_str(life->lent)), count = 0, all = 0;
    while (inherited[all]) {
        all++;
    }
    life->environment = calloc(own + all + 1, sizeof(char *));
    if (!life->environment) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    for (char *at = secret_bytes(life->lent); count < own; at += strlen(at) + 1) {
        life->environment[count++] = at;
    }
    for (size_t i = 0; i < all; i++) {
        if (is_inherited(life, inherited[i], own)) {
            life->environment[count++] = inherited[i];
        }
    }
    return true;
}

static void environment_done(void *context)
{
    struct launch_life *life = context;
    free(life->environment);
    life->environment = NULL;
    secret_free(life->lent);
    life->lent = NULL;
}

static bool environment(void *context, char *const **ret_environment, struct error *err)
{
    struct launch_life *life = context;
    life->lent = secret_new(LIMIT_OUTPUT_FILE);
    if (!life->lent) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!stash_get(&life->block, life->lent, err) || !build_environment(life, err)) {
        environment_done(life);
        return false;
    }
    *ret_environment = life->environment;
    return true;
}

/* Puts the new one away; *ret_changed: it is another one. On failure the old one stays. */
static bool keep_block(struct launch_life *life, const struct secret *block, bool *ret_changed,
                       struct error *err)
{
    SECRET_AUTO before = secret_new(LIMIT_OUTPUT_FILE);
    if (!before) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!stash_get(&life->block, before, err)) {
        return false;
    }
    *ret_changed = !secret_equal(before, block);
    return stash_replace(&life->block, block, err);
}

/* --- the command --- */

static void on_started(void *context, pid_t pid)
{
    const struct launch_life *life = context;
    log_write(life->journal->log, LOG_INFO, "command started",
              log_text(LOG_KEY_TARGET, life->options->command[0]), log_number(LOG_KEY_PID, pid));
}

static void on_retrying(void *context, int exit_status, uint64_t delay_ms)
{
    const struct launch_life *life = context;
    log_write(life->journal->log, LOG_WARN,
              "the command ended soon after its restart; it is started again",
              log_number(LOG_KEY_STATUS, exit_status),
              log_number(LOG_KEY_DELAY_MS, (int64_t)delay_ms));
}

static void on_output_finished(void *context)
{
    const struct launch_life *life = context;
    loop_stop(life->loop);
}

static void on_ended(void *context, int exit_status, const struct error *error)
{
    struct launch_life *life = context;
    life->ended = true;
    if (error) {
        journal_error(life->journal, LOG_ERROR, "the command is not started", error);
    } else {
        log_write(life->journal->log, LOG_INFO, "the command has ended",
                  log_number(LOG_KEY_STATUS, exit_status));
    }
    if (life->masking) {
        life->exit_status = exit_status;
        masking_finish(life->masking);
        if (life->stopping) {
            timer_set(&life->deadline, life->grace_ms);
        }
    } else {
        leave(life, exit_status);
    }
}

static void start(struct launch_life *life)
{
    timer_stop(&life->deadline);
    life->started = true;
    supervise_start(life->supervise);
}

static void react(const struct launch_life *life, const struct launch *launch)
{
    if (life->stopping || life->ended) {
        return; /* nobody is there, or will be */
    }
    switch (launch->reaction) {
    case LAUNCH_RESTART:
        log_write(life->journal->log, LOG_INFO, "secrets have changed: the command is restarted");
        supervise_restart(life->supervise);
        break;
    case LAUNCH_SIGNAL:
        log_write(life->journal->log, LOG_INFO, "secrets have changed: the command is signalled",
                  log_number(LOG_KEY_SIGNAL, launch->signal));
        supervise_signal(life->supervise, launch->signal, false);
        break;
    case LAUNCH_NOTHING:
        break;
    }
}

/* --- what the sidecar tells --- */

static bool has_replaced(const struct template *template, const struct cycle *cycle)
{
    for (size_t i = 0; i < template->outputs_count; i++) {
        if (cycle_change(cycle, i) == CYCLE_REPLACED) {
            return true;
        }
    }
    return false;
}

/* Never a start with half of its environment. */
static void cannot_keep(struct launch_life *life, const struct error *error)
{
    if (life->started) {
        journal_error(life->journal, LOG_ERROR, "the command keeps its environment", error);
    } else {
        life->error = *error;
        give_up(life);
    }
}

static void on_refreshed(void *context, const struct template *template, const struct cycle *cycle)
{
    struct launch_life *life = context;
    const struct secret *block = cycle_environment(cycle);
    bool changed = false;
    struct error error;
    life->grace_ms = template->launch.grace_ms;
    supervise_set_grace(life->supervise, life->grace_ms);
    if (block && ((life->masking && !masking_learn(life->masking, template, cycle, &error)) ||
                  !keep_block(life, block, &changed, &error))) {
        cannot_keep(life, &error);
    } else if (!life->started) {
        start(life);
    } else if (changed || has_replaced(template, cycle)) {
        react(life, &template->launch);
    }
}

/* What can heal has until the deadline; what cannot ends it at once, as `init` does. */
static void on_failed(void *context, const struct error *error)
{
    struct launch_life *life = context;
    life->error = *error;
    if (life->started) {
        return;
    }
    life->failures++;
    if (error->code != ERROR_UNREACHABLE && error->code != ERROR_PROTOCOL &&
        (error->code != ERROR_NOT_FOUND || life->failures >= REFRESHES_MOST)) {
        give_up(life);
    }
}

/* A refresh that waits for Connect to come back is not over, but its trouble is known. */
static void on_deadline(void *context)
{
    struct launch_life *life = context;
    if (life->ended) { /* nobody takes its last output */
        leave(life, life->exit_status);
        return;
    }
    if (life->journal->health->trouble.code != ERROR_NONE) {
        life->error = life->journal->health->trouble;
    }
    give_up(life);
}

static bool on_open(void *context, struct loop *loop, struct journal *journal, struct error *err)
{
    struct launch_life *life = context;
    const struct supervise_owner owner = {life,       environment, environment_done,
                                          on_started, on_retrying, on_ended};
    const struct masking_owner masking_owner = {life, on_output_finished};
    life->loop = loop;
    life->journal = journal;
    if (!timer_init(&life->deadline, loop, on_deadline, life, err) ||
        (life->options->mask && !masking_new(loop, journal, &masking_owner, &life->masking, err))) {
        return false;
    }
    const struct supervise_command command = {
        life->options->command, life->masking ? masking_descriptors(life->masking) : NULL};
    timer_set(&life->deadline, life->options->timeout_ms);
    return supervise_new(loop, &command, &owner, &life->supervise, err);
}

static void on_signal(void *context, int signal, bool from_terminal)
{
    struct launch_life *life = context;
    bool stops = signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
    if (signal == SIGCHLD) {
        supervise_reap(life->supervise);
    } else if (life->ended) { /* nobody takes its last output */
        if (stops) {
            leave(life, 128 + signal);
        }
    } else if (life->started) {
        life->stopping = life->stopping || signal == SIGTERM;
        supervise_signal(life->supervise, signal, from_terminal);
    } else if (stops) {
        leave(life, 128 + signal);
    }
}

static void on_close(void *context)
{
    struct launch_life *life = context;
    supervise_free(life->supervise);
    masking_free(life->masking);
    stash_done(&life->block);
    timer_done(&life->deadline);
}

int launch_run(const struct launch_options *options)
{
    struct launch_life life = {.options = options};
    struct sidecar_options sidecar = options->sidecar;
    sigset_t signals;
    sigemptyset(&signals);
    const int wanted[] = {SIGCHLD, SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,  SIGUSR1,
                          SIGUSR2, SIGALRM, SIGCONT, SIGPWR,  SIGWINCH, SIGURG};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        sigaddset(&signals, wanted[i]);
    }
    const struct sidecar_companion companion = {&life,     &signals,  on_open, on_refreshed,
                                                on_failed, on_signal, on_close};
    stash_init(&life.block);
    error_set(&life.error, ERROR_UNREACHABLE, "no answer from Connect before the time was up");
    sidecar.companion = &companion;
    int status = sidecar_run(&sidecar);
    return status == EX_OK ? life.exit_status : status;
}
