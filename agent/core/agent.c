#include "core/agent.h"

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/random.h"
#include "connect/backoff.h"
#include "connect/client.h"
#include "connect/token.h"
#include "core/commands.h"
#include "core/confine.h"
#include "core/cycle.h"
#include "core/journal.h"
#include "io/loop.h"
#include "io/signals.h"
#include "io/timer.h"

/* A reference that leads nowhere may be an item that Connect has not synced yet (connect-api.md,
 * 404): so often a cycle is walked before that is believed. */
enum { CYCLES_MOST = 3 };

enum state {
    STATE_STARTING, /* nothing has happened yet */
    STATE_CYCLING,  /* a cycle is under way */
    STATE_WAITING,  /* for the next try */
    STATE_STOPPED,
    STATES,
};

enum event {
    EVENT_START,
    EVENT_PUBLISHED, /* the cycle went through */
    EVENT_HEALABLE,  /* it failed, and another one may go through */
    EVENT_FAILED,    /* it failed for good */
    EVENT_TIMER,     /* the wait is over */
    EVENT_SIGNAL,    /* asked to leave */
    EVENTS,
};

struct agent {
    const struct agent_options *options;
    const struct agent_preview *preview; /* null: publish */
    struct journal journal;
    struct loop loop;
    struct signals signals;
    struct timer timer;
    struct client_observer observer;
    struct token token;
    struct client *client;
    struct commands *commands; /* null: no hook needs them */
    struct cycle *cycle;
    struct memory memory; /* for one cycle */
    enum state state;
    unsigned cycles;      /* walked so far */
    uint64_t deadline_ms; /* of the loop's clock */
    struct error error;   /* of the last cycle */
    int signal;           /* that asked to leave */
    int exit_status;
};

static void dispatch(struct agent *agent, enum event event);

/* --- actions of the table --- */

static void do_nothing(struct agent *agent)
{
    (void)agent;
}

static void on_cycle_done(void *context, const struct error *error)
{
    struct agent *agent = context;
    uint64_t now = clock_now_ms(agent->options->clock);
    if (!error) {
        dispatch(agent, EVENT_PUBLISHED);
        return;
    }
    /* When time runs out in a second look at what was missing, that it is missing is the news. */
    if (agent->error.code == ERROR_NONE || error->code != ERROR_UNREACHABLE) {
        agent->error = *error;
    }
    if (error->code == ERROR_NOT_FOUND && !agent->preview && agent->cycles < CYCLES_MOST &&
        now < agent->deadline_ms) {
        dispatch(agent, EVENT_HEALABLE);
    } else {
        dispatch(agent, EVENT_FAILED);
    }
}

static void do_cycle(struct agent *agent)
{
    struct error error;
    cycle_free(agent->cycle);
    agent->cycle = NULL;
    agent->cycles++;
    known_forget(&agent->memory.known); /* what was not found is looked for again */
    const struct cycle_options options = {
        .loop = &agent->loop,
        .client = agent->client,
        .template = agent->options->template,
        .kind = agent->preview ? CYCLE_PREVIEW : CYCLE_PUBLISH,
        .memory = &agent->memory,
        .journal = &agent->journal,
        .commands = agent->commands,
        .context = agent,
        .done = on_cycle_done,
    };
    if (!cycle_start(&options, &agent->cycle, &error)) {
        on_cycle_done(agent, &error);
    }
}

static void do_wait(struct agent *agent)
{
    if (agent->cycles == 1) {
        journal_error(&agent->journal, LOG_WARN,
                      "not found; it may not be synced yet, so once more", &agent->error);
    }
    timer_set(&agent->timer, backoff_delay_ms(agent->cycles, random_number()));
}

static void show(const struct agent *agent, const struct error *error)
{
    struct agent_view view = {.error = error};
    if (agent->cycle) {
        view.values = cycle_values(agent->cycle);
        view.findings = cycle_findings(agent->cycle);
        view.generations = cycle_generations(agent->cycle);
    }
    agent->preview->look(agent->preview->context, &view);
}

static void do_finish(struct agent *agent)
{
    if (agent->preview) {
        show(agent, NULL);
    }
    agent->exit_status = EX_OK;
    loop_stop(&agent->loop);
}

static void report(const struct agent *agent, const struct error *error)
{
    if (agent->preview) {
        show(agent, error);
    } else {
        journal_error(&agent->journal, LOG_ERROR, "nothing published", error);
    }
}

static void do_fail(struct agent *agent)
{
    if (agent->error.code == ERROR_TOKEN) {
        token_explain(&agent->token, clock_wall_ms(agent->options->clock) / 1000, &agent->error);
    }
    if (agent->cycle && !agent->preview) {
        journal_findings(&agent->journal, "cannot resolve or render", cycle_findings(agent->cycle));
    }
    report(agent, &agent->error);
    agent->exit_status = error_describe(agent->error.code)->exit_status;
    loop_stop(&agent->loop);
}

static void do_leave(struct agent *agent)
{
    log_write(agent->options->log, LOG_INFO, "stopped by a signal; nothing published",
              log_number(LOG_KEY_SIGNAL, agent->signal));
    agent->exit_status = 128 + agent->signal;
    loop_stop(&agent->loop);
}

struct transition {
    enum state next;
    void (*act)(struct agent *agent); /* null: cannot happen in this state */
};

static const struct transition table[STATES][EVENTS] = {
    [STATE_STARTING] =
        {
            [EVENT_START] = {STATE_CYCLING, do_cycle},
            [EVENT_SIGNAL] = {STATE_STOPPED, do_leave},
        },
    [STATE_CYCLING] =
        {
            [EVENT_PUBLISHED] = {STATE_STOPPED, do_finish},
            [EVENT_HEALABLE] = {STATE_WAITING, do_wait},
            [EVENT_FAILED] = {STATE_STOPPED, do_fail},
            [EVENT_SIGNAL] = {STATE_STOPPED, do_leave},
        },
    [STATE_WAITING] =
        {
            [EVENT_TIMER] = {STATE_CYCLING, do_cycle},
            [EVENT_SIGNAL] = {STATE_STOPPED, do_leave},
        },
    [STATE_STOPPED] =
        {
            [EVENT_SIGNAL] = {STATE_STOPPED, do_nothing},
        },
};

static void dispatch(struct agent *agent, enum event event)
{
    const struct transition *transition = &table[agent->state][event];
    if (!transition->act) {
        abort(); /* a hole in the table is our mistake */
    }
    agent->state = transition->next;
    transition->act(agent);
}

static void on_timer(void *context)
{
    dispatch(context, EVENT_TIMER);
}

static void on_signal(void *context, int signal, bool from_terminal)
{
    struct agent *agent = context;
    (void)from_terminal;
    agent->signal = signal;
    dispatch(agent, EVENT_SIGNAL);
}

static bool agent_open(struct agent *agent, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (!memory_init(&agent->memory, agent->options->template->references.count, false, err) ||
        !loop_init(&agent->loop, agent->options->clock, err)) {
        return false;
    }
    if (!signals_init(&agent->signals, &agent->loop, &set, on_signal, agent, err) ||
        !timer_init(&agent->timer, &agent->loop, on_timer, agent, err) ||
        !client_new(&agent->loop, &agent->options->template->settings, &agent->observer,
                    &agent->client, err)) {
        return false; /* the process ends here: nothing is left to undo */
    }
    client_set_token(agent->client, agent->token.bytes);
    client_set_deadline(agent->client, agent->deadline_ms);
    return true;
}

static void agent_close(struct agent *agent)
{
    cycle_free(agent->cycle);
    client_free(agent->client);
    timer_done(&agent->timer);
    signals_done(&agent->signals);
    loop_done(&agent->loop);
    memory_done(&agent->memory);
}

static bool read_token(struct agent *agent, struct error *err)
{
    const struct settings *settings = &agent->options->template->settings;
    if (!token_read(settings, agent->options->token_variable, &agent->token, err)) {
        return false;
    }
    journal_token(&agent->journal, settings, &agent->token);
    journal_expiry(&agent->journal, agent->token.expires,
                   clock_wall_ms(agent->options->clock) / 1000);
    return true;
}

static bool confine(struct agent *agent, struct error *err)
{
    struct sandbox sandbox;
    const struct agent_options *options = agent->options;
    bool ok = confine_enter(
        &(struct confine_options){.template = options->template,
                                  .log = options->log,
                                  .life = agent->preview ? WISHES_PREVIEW : WISHES_ONCE,
                                  .out_file = options->out_file,
                                  .is_off = options->sandbox_off},
        &agent->commands, &sandbox, err);
    sandbox_done(&sandbox);
    return ok;
}

static bool run(struct agent *agent, struct error *err)
{
    if (!confine(agent, err) || !read_token(agent, err)) {
        return false;
    }
    agent->observer = journal_observer(&agent->journal);
    if (!agent_open(agent, err)) {
        return false;
    }
    dispatch(agent, EVENT_START);
    bool ok = loop_run(&agent->loop, err);
    agent_close(agent);
    return ok;
}

static int live(const struct agent_options *options, const struct agent_preview *preview)
{
    struct agent agent = {.options = options, .preview = preview, .exit_status = EX_SOFTWARE};
    struct error error;
    agent.deadline_ms = clock_now_ms(options->clock) + options->timeout_ms;
    journal_init(&agent.journal, options->log);
    if (!run(&agent, &error)) {
        report(&agent, &error);
        agent.exit_status = error_describe(error.code)->exit_status;
    }
    token_done(&agent.token);
    commands_close(agent.commands);
    return agent.exit_status;
}

int agent_init(const struct agent_options *options)
{
    return live(options, NULL);
}

int agent_preview(const struct agent_options *options, const struct agent_preview *preview)
{
    return live(options, preview);
}
