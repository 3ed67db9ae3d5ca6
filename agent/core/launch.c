#include "core/launch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "core/commands.h"
#include "core/masking.h"
#include "io/process.h"
#include "io/stash.h"
#include "io/timer.h"
#include "reload/supervise.h"

enum { REFRESHES_MOST = 3 }; /* before a reference that leads nowhere is believed */

struct launch_life {
    const struct launch_options *options;
    struct loop *loop;
    struct journal *journal;
    struct commands *commands;
    bool shares_group;
    struct timer deadline; /* of the start; after a stop, of the last output */
    struct supervise *supervise;
    struct masking *masking; /* null: its output is not masked */
    struct stash block;      /* the variables of the exec block, rendered */
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

static bool on_start(void *context, pid_t *ret_pid, struct error *err)
{
    const struct launch_life *life = context;
    const int *outputs = life->masking ? masking_descriptors(life->masking) : NULL;
    return commands_run(life->commands, &life->block, outputs, ret_pid, err);
}

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
    const struct supervise_owner owner = {life, on_start, on_started, on_retrying, on_ended};
    const struct masking_owner masking_owner = {life, on_output_finished};
    life->loop = loop;
    life->journal = journal;
    if (!timer_init(&life->deadline, loop, on_deadline, life, err) ||
        (life->options->mask && !masking_new(loop, journal, &masking_owner, &life->masking, err))) {
        return false;
    }
    timer_set(&life->deadline, life->options->timeout_ms);
    return supervise_new(loop, life->shares_group, &owner, &life->supervise, err);
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

/* 0 or the exit status: without it nothing can be started. */
static int open_commands(struct launch_life *life)
{
    struct error error;
    const struct launch_options *options = life->options;
    const struct commands_options wanted = {.template = options->sidecar.template,
                                            .path = options->sidecar.path,
                                            .overrides = options->sidecar.overrides,
                                            .command = options->command,
                                            .environment = options->environment,
                                            .shares_group = life->shares_group};
    if (commands_open(&wanted, &life->commands, &error)) {
        return EX_OK;
    }
    log_write(options->sidecar.log, LOG_ERROR, "the command is not started",
              log_text(LOG_KEY_REASON, error.message));
    template_free(options->sidecar.template);
    return error_describe(error.code)->exit_status;
}

int launch_run(const struct launch_options *options)
{
    struct launch_life life = {.options = options, .shares_group = process_has_terminal()};
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
    int status = open_commands(&life);
    if (status != EX_OK) {
        return status;
    }
    sidecar.companion = &companion;
    sidecar.commands = life.commands;
    status = sidecar_run(&sidecar);
    commands_close(life.commands);
    return status == EX_OK ? life.exit_status : status;
}
