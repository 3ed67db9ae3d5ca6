#include "core/sidecar.h"

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/random.h"
#include "config/config.h"
#include "connect/backoff.h"
#include "core/confine.h"
#include "core/monitor.h"
#include "core/reactions.h"
#include "core/refresh.h"
#include "core/review.h"
#include "core/schedule.h"
#include "io/process.h"
#include "io/signals.h"
#include "io/timer.h"
#include "publish/publish.h"
#include "watch/watch.h"

enum state {
    STATE_STARTING, /* nothing has happened yet */
    STATE_REFRESHING,
    STATE_SETTLING, /* one turn of the loop: what the refresh used is given back */
    STATE_RESTING,  /* until the timer, or until something changes */
    STATE_STOPPED,
    STATES,
};

enum event {
    EVENT_START,
    EVENT_DONE,    /* the refresh is over, well or not */
    EVENT_DUE,     /* the timer */
    EVENT_CHANGED, /* the token, the template; or asked to refresh now */
    EVENT_STOP,
    EVENTS,
};

struct sidecar {
    const struct sidecar_options *options;
    struct template *template; /* owned; in force */
    struct journal journal;
    struct monitor monitor;
    struct client_observer observer;
    struct loop loop;
    struct signals signals;
    struct timer timer;
    struct memory memory;
    struct credentials credentials;
    struct refresh *refresh;
    struct reactions *reactions;
    struct commands *commands; /* ours, unless the options have them; null: no hook needs them */
    struct watch *watch;
    struct sandbox sandbox;
    enum state state;
    bool published;    /* at least once */
    bool phased;       /* the first rest after that was begun */
    unsigned failures; /* refreshes in a row */
    int signal;
    int exit_status;
    size_t template_files_from; /* among what is followed */
    char hostname[256];
};

static void dispatch(struct sidecar *sidecar, enum event event);

/* --- refreshes --- */

/* Hooks run where an older generation was replaced: nobody has read a first one yet. */
static void react(struct sidecar *sidecar)
{
    const struct cycle *cycle = sidecar->refresh ? refresh_cycle(sidecar->refresh) : NULL;
    struct error error;
    for (size_t i = 0; cycle && i < sidecar->template->outputs_count; i++) {
        if (cycle_change(cycle, i) == CYCLE_REPLACED &&
            !reactions_start(sidecar->reactions, i, sidecar->memory.generation, &error)) {
            journal_error(&sidecar->journal, LOG_ERROR, "hooks are not run", &error);
        }
    }
}

static void tell_companion(const struct sidecar *sidecar, const struct error *error)
{
    const struct sidecar_companion *companion = sidecar->options->companion;
    if (companion && error && !sidecar->credentials.again) {
        companion->failed(companion->context, error);
    } else if (companion && !error) {
        companion->refreshed(companion->context, sidecar->template,
                             refresh_cycle(sidecar->refresh));
    }
}

static void on_refreshed(void *context, const struct error *error)
{
    struct sidecar *sidecar = context;
    react(sidecar); /* also to what was published before another output failed */
    monitor_end(&sidecar->monitor, sidecar->memory.generation, error);
    tell_companion(sidecar, error);
    if (error) {
        sidecar->failures++;
        if (!sidecar->credentials.again) {
            journal_state(&sidecar->journal, JOURNAL_REFRESH, error,
                          sidecar->published ? "cannot refresh; what is published stays"
                                             : "nothing published yet");
        }
    } else {
        journal_state(&sidecar->journal, JOURNAL_REFRESH, NULL, "refreshed again");
        sidecar->failures = 0;
        sidecar->published = true;
    }
    dispatch(sidecar, EVENT_DONE);
}

static void do_refresh(struct sidecar *sidecar)
{
    struct error error;
    const struct refresh_options options = {
        .loop = &sidecar->loop,
        .template = sidecar->template,
        .memory = &sidecar->memory,
        .credentials = &sidecar->credentials,
        .journal = &sidecar->journal,
        .commands = sidecar->commands,
        .observer = &sidecar->observer,
        .log = sidecar->options->log,
        .clock = sidecar->options->clock,
        .context = sidecar,
        .done = on_refreshed,
    };
    refresh_free(sidecar->refresh);
    sidecar->refresh = NULL;
    timer_stop(&sidecar->timer);
    monitor_listen(&sidecar->monitor, &sidecar->loop, &sidecar->journal,
                   &sidecar->template->settings);
    monitor_begin(&sidecar->monitor);
    if (!refresh_start(&options, &sidecar->refresh, &error)) {
        on_refreshed(sidecar, &error);
    }
}

/* Until something is published, what failed is tried again sooner than a whole interval. */
static uint64_t rest_ms(const struct sidecar *sidecar)
{
    uint64_t interval = sidecar->template->settings.interval_ms;
    if (sidecar->credentials.again) {
        return 1;
    }
    if (sidecar->failures > 0 && !sidecar->published) {
        uint64_t delay = backoff_delay_ms(sidecar->failures + 2, random_number());
        return delay < interval ? delay : interval;
    }
    return schedule_next_ms(interval, random_number());
}

/* The refresh is freed on the next turn of the loop, not from within its own callback. */
static void do_settle(struct sidecar *sidecar)
{
    timer_set(&sidecar->timer, 0);
}

/* From here on nothing secret is in memory until the timer runs out. */
static void do_rest(struct sidecar *sidecar)
{
    uint64_t interval = sidecar->template->settings.interval_ms;
    bool first = sidecar->published && !sidecar->phased;
    refresh_free(sidecar->refresh);
    sidecar->refresh = NULL;
    process_forget();
    sidecar->phased = sidecar->published;
    uint64_t delay = first ? schedule_phase_ms(interval, sidecar->hostname) : rest_ms(sidecar);
    timer_set(&sidecar->timer, delay);
    log_write(sidecar->options->log, LOG_DEBUG, "refresh over",
              log_number(LOG_KEY_DELAY_MS, (int64_t)delay));
}

static void do_leave(struct sidecar *sidecar)
{
    log_write(sidecar->options->log, LOG_INFO, "leaving; what is published stays",
              log_number(LOG_KEY_SIGNAL, sidecar->signal));
    loop_stop(&sidecar->loop);
}

static void do_nothing(struct sidecar *sidecar)
{
    (void)sidecar;
}

struct transition {
    enum state next;
    void (*act)(struct sidecar *sidecar); /* null: cannot happen in this state */
};

static const struct transition table[STATES][EVENTS] = {
    [STATE_STARTING] =
        {
            [EVENT_START] = {STATE_REFRESHING, do_refresh},
            [EVENT_STOP] = {STATE_STOPPED, do_leave},
        },
    [STATE_REFRESHING] =
        {
            [EVENT_DONE] = {STATE_SETTLING, do_settle},
            [EVENT_CHANGED] = {STATE_REFRESHING, do_refresh},
            [EVENT_STOP] = {STATE_STOPPED, do_leave},
        },
    [STATE_SETTLING] =
        {
            [EVENT_DUE] = {STATE_RESTING, do_rest},
            [EVENT_CHANGED] = {STATE_REFRESHING, do_refresh},
            [EVENT_STOP] = {STATE_STOPPED, do_leave},
        },
    [STATE_RESTING] =
        {
            [EVENT_DUE] = {STATE_REFRESHING, do_refresh},
            [EVENT_CHANGED] = {STATE_REFRESHING, do_refresh},
            [EVENT_STOP] = {STATE_STOPPED, do_leave},
        },
    [STATE_STOPPED] =
        {
            [EVENT_DONE] = {STATE_STOPPED, do_nothing},
            [EVENT_CHANGED] = {STATE_STOPPED, do_nothing},
            [EVENT_STOP] = {STATE_STOPPED, do_nothing},
        },
};

static void dispatch(struct sidecar *sidecar, enum event event)
{
    const struct transition *transition = &table[sidecar->state][event];
    if (!transition->act) {
        abort(); /* a hole in the table is our mistake */
    }
    sidecar->state = transition->next;
    transition->act(sidecar);
}

/* --- what happens from outside --- */

/* A look at the files covers file systems that send no events. */
static void on_timer(void *context)
{
    struct sidecar *sidecar = context;
    if (sidecar->state == STATE_RESTING) {
        watch_look(sidecar->watch);
    }
    if (sidecar->state == STATE_RESTING || sidecar->state == STATE_SETTLING) {
        dispatch(sidecar, EVENT_DUE); /* else what was seen has begun a refresh */
    }
}

enum { FOLLOWED_TEMPLATE, FOLLOWED_FIXED = 5 };

/* The template, the token, certificates, then what the template names. */
static bool follow(struct sidecar *sidecar, struct error *err)
{
    const struct template *template = sidecar->template;
    const struct settings *settings = &template->settings;
    const char *const fixed[FOLLOWED_FIXED] = {sidecar->options->path, settings->token_file,
                                               settings->ca_file, settings->client_cert_file,
                                               settings->client_key_file};
    const char **paths = calloc(FOLLOWED_FIXED + template->template_files_count, sizeof(char *));
    size_t count = 0;
    if (!paths) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < FOLLOWED_FIXED; i++) {
        if (fixed[i]) {
            paths[count++] = fixed[i];
        }
    }
    sidecar->template_files_from = count;
    for (size_t i = 0; i < template->template_files_count; i++) {
        paths[count++] = template->template_files[i];
    }
    bool ok = watch_set(sidecar->watch, paths, count, err);
    free(paths);
    return ok;
}

/* What belongs to a template. */
static bool prepare(struct sidecar *sidecar, const struct template *template,
                    struct memory *ret_memory, struct reactions **ret_reactions, struct error *err)
{
    const struct reactions_options options = {&sidecar->loop, &sidecar->journal, sidecar->commands,
                                              template};
    if (!reactions_new(&options, ret_reactions, err)) {
        return false;
    }
    if (!memory_init(ret_memory, template->references.count, true, err)) {
        reactions_free(*ret_reactions);
        return false;
    }
    return true;
}

static void put_in_force(struct sidecar *sidecar, struct template *template)
{
    struct error error;
    struct memory memory;
    struct reactions *reactions;
    if (!prepare(sidecar, template, &memory, &reactions, &error)) {
        journal_error(&sidecar->journal, LOG_ERROR, "the old template stays in force", &error);
        template_free(template);
        return;
    }
    if (!reactions_take_over(reactions, sidecar->reactions, &error)) {
        journal_error(&sidecar->journal, LOG_ERROR, "hooks are not run", &error);
    }
    memory.generation = sidecar->memory.generation;
    refresh_free(sidecar->refresh);
    sidecar->refresh = NULL;
    reactions_free(sidecar->reactions);
    sidecar->reactions = reactions;
    memory_done(&sidecar->memory);
    sidecar->memory = memory;
    template_free(sidecar->template);
    sidecar->template = template;
    metrics_clear(sidecar->monitor.metrics, METRIC_PUBLISHED_BYTES); /* of outputs that are gone */
    log_write(sidecar->options->log, LOG_INFO, "a new template is in force",
              log_text(LOG_KEY_TEMPLATE, template->path));
    if (!follow(sidecar, &error)) {
        journal_error(&sidecar->journal, LOG_ERROR, "cannot follow the files", &error);
    }
}

/* Parsed whole and put in force, or the old one stays. */
static void reload(struct sidecar *sidecar)
{
    struct findings findings;
    struct error error;
    struct template *template = NULL;
    findings_init(&findings);
    bool ok =
        config_load(sidecar->options->path, sidecar->options->overrides, &findings, &template) &&
        review_template(template, &findings) &&
        (sidecar->options->companion || review_outputs(template, &findings)) &&
        confine_check(&sidecar->sandbox, sidecar->commands, template, &findings) &&
        ((settings_require_host(&template->settings, &error) &&
          commands_reload(sidecar->commands, &error)) ||
         findings_add(&findings, (struct place){.line = 0}, &error));
    monitor_template(&sidecar->monitor, ok || findings.count == 0 ? NULL : &findings.list[0].error);
    if (ok) {
        put_in_force(sidecar, template);
    } else {
        journal_findings(&sidecar->journal, "the new template is wrong; the old one stays in force",
                         &findings);
        template_free(template);
    }
    findings_done(&findings);
}

static void on_changed(void *context, size_t index)
{
    struct sidecar *sidecar = context;
    bool template = (sidecar->options->path && index == FOLLOWED_TEMPLATE) ||
                    index >= sidecar->template_files_from;
    log_write(sidecar->options->log, LOG_INFO,
              template ? "the template has changed" : "the token or a certificate has changed");
    if (template) {
        reload(sidecar);
    }
    dispatch(sidecar, EVENT_CHANGED);
}

static void on_mode(void *context, enum watch_mode mode, const struct error *error)
{
    struct sidecar *sidecar = context;
    monitor_follow(&sidecar->monitor, mode == WATCH_EVENTS);
    journal_state(&sidecar->journal, JOURNAL_WATCH, error,
                  error ? "files are looked at now and then: the kernel has no events for them"
                        : "files are followed by events again");
}

static void on_signal(void *context, int signal, bool from_terminal)
{
    struct sidecar *sidecar = context;
    const struct sidecar_companion *companion = sidecar->options->companion;
    if (companion) {
        companion->signalled(companion->context, signal, from_terminal);
        return;
    }
    if (signal == SIGHUP) {
        log_write(sidecar->options->log, LOG_INFO, "asked to refresh now",
                  log_number(LOG_KEY_SIGNAL, signal));
        dispatch(sidecar, EVENT_CHANGED);
        return;
    }
    sidecar->signal = signal;
    dispatch(sidecar, EVENT_STOP);
}

/* --- the whole --- */

static bool sidecar_open(struct sidecar *sidecar, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    const struct sidecar_companion *companion = sidecar->options->companion;
    const struct watch_owner owner = {sidecar, on_changed, on_mode};
    return loop_init(&sidecar->loop, sidecar->options->clock, err) &&
           signals_init(&sidecar->signals, &sidecar->loop, companion ? companion->signals : &set,
                        on_signal, sidecar, err) &&
           timer_init(&sidecar->timer, &sidecar->loop, on_timer, sidecar, err) &&
           prepare(sidecar, sidecar->template, &sidecar->memory, &sidecar->reactions, err) &&
           watch_new(&sidecar->loop, &watch_defaults, &owner, &sidecar->watch, err) &&
           follow(sidecar, err) &&
           (!companion ||
            companion->open(companion->context, &sidecar->loop, &sidecar->journal, err));
}

static void sidecar_close(struct sidecar *sidecar)
{
    const struct sidecar_companion *companion = sidecar->options->companion;
    if (companion) {
        companion->close(companion->context);
    }
    refresh_free(sidecar->refresh);
    reactions_free(sidecar->reactions);
    watch_free(sidecar->watch);
    monitor_done(&sidecar->monitor);
    memory_done(&sidecar->memory);
    stash_done(&sidecar->credentials.good);
    stash_done(&sidecar->credentials.bad);
    timer_done(&sidecar->timer);
    signals_done(&sidecar->signals);
    loop_done(&sidecar->loop);
}

/* A restart while Connect is down must not make the application unready that runs on what an
 * earlier process published. */
static bool is_carried(const struct template *template)
{
    bool all = template->outputs_count > 0;
    for (size_t i = 0; all && i < template->outputs_count; i++) {
        all = publish_is_there(&template->outputs[i]);
    }
    return all;
}

static bool confine(struct sidecar *sidecar, struct error *err)
{
    const struct sidecar_options *options = sidecar->options;
    sidecar->commands = options->commands;
    return confine_enter(&(struct confine_options){.template = sidecar->template,
                                                   .path = options->path,
                                                   .overrides = options->overrides,
                                                   .log = options->log,
                                                   .life = WISHES_LASTING,
                                                   .is_off = options->sandbox_off},
                         &sidecar->commands, &sidecar->sandbox, err);
}

static bool run(struct sidecar *sidecar, struct error *err)
{
    if (!confine(sidecar, err) || !monitor_init(&sidecar->monitor, sidecar->options->clock, err)) {
        return false;
    }
    monitor_confined(&sidecar->monitor, &sidecar->sandbox);
    if (is_carried(sidecar->template)) {
        monitor_carry(&sidecar->monitor);
    }
    sidecar->journal.metrics = sidecar->monitor.metrics;
    sidecar->journal.health = &sidecar->monitor.health;
    if (!sidecar_open(sidecar, err)) {
        return false; /* the process ends here: nothing is left to undo */
    }
    dispatch(sidecar, EVENT_START);
    bool ok = loop_run(&sidecar->loop, err);
    sidecar_close(sidecar);
    return ok;
}

int sidecar_run(const struct sidecar_options *options)
{
    struct sidecar sidecar = {.options = options,
                              .template = options->template,
                              .credentials.variable = options->token_variable,
                              .exit_status = EX_OK};
    struct error error;
    journal_init(&sidecar.journal, options->log);
    sidecar.observer = journal_observer(&sidecar.journal);
    stash_init(&sidecar.credentials.good);
    stash_init(&sidecar.credentials.bad);
    if (gethostname(sidecar.hostname, sizeof(sidecar.hostname) - 1) < 0) {
        sidecar.hostname[0] = '\0'; /* then all such hosts have one phase */
    }
    if (!run(&sidecar, &error)) {
        journal_error(&sidecar.journal, LOG_ERROR, "cannot go on", &error);
        sidecar.exit_status = error_describe(error.code)->exit_status;
    }
    if (!options->commands) {
        commands_close(sidecar.commands);
    }
    sandbox_done(&sidecar.sandbox);
    template_free(sidecar.template);
    return sidecar.exit_status;
}
