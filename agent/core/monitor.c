#include "core/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "version.h"

static void set(struct monitor *monitor, enum metric metric, double value)
{
    metrics_set(monitor->metrics, metric, METRIC_LABELS_OF(), value);
}

static double wall_seconds(const struct monitor *monitor)
{
    return (double)clock_wall_ms(monitor->clock) / 1000;
}

bool monitor_init(struct monitor *monitor, const struct clock *clock, struct error *err)
{
    *monitor = (struct monitor){.clock = clock, .metrics = metrics_new()};
    if (!monitor->metrics) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    metrics_set(monitor->metrics, METRIC_BUILD_INFO, METRIC_LABELS_OF(CONNECT_AGENT_VERSION), 1);
    set(monitor, METRIC_START_TIME, wall_seconds(monitor));
    set(monitor, METRIC_READY, 0);
    set(monitor, METRIC_GENERATION, 0);
    set(monitor, METRIC_ITEM_READS, 0);
    metrics_set(monitor->metrics, METRIC_REFRESHES, METRIC_LABELS_OF("ok"), 0);
    monitor_template(monitor, NULL);
    monitor_follow(monitor, true);
    return true;
}

static void silence(struct monitor *monitor)
{
    listener_free(monitor->listener);
    monitor->listener = NULL;
    free(monitor->address);
    monitor->address = NULL;
}

void monitor_done(struct monitor *monitor)
{
    silence(monitor);
    metrics_free(monitor->metrics);
    monitor->metrics = NULL;
}

/* --- pages --- */

static bool is_ready(const struct monitor *monitor)
{
    char line[HEALTH_LINE];
    return health_ask(&monitor->health, HEALTH_READY, clock_now_ms(monitor->clock), line);
}

static bool show_metrics(struct monitor *monitor, struct buf *body, struct listener_page *ret_page)
{
    struct error ignored;
    set(monitor, METRIC_READY, is_ready(monitor));
    *ret_page = (struct listener_page){200, "text/plain; version=0.0.4; charset=utf-8"};
    return metrics_print(monitor->metrics, body, &ignored);
}

static bool show(void *context, const char *path, struct buf *body, struct listener_page *ret_page)
{
    struct monitor *monitor = context;
    struct error ignored;
    char line[HEALTH_LINE];
    if (strcmp(path, "/metrics") == 0) {
        return show_metrics(monitor, body, ret_page);
    }
    for (int i = 0; i < HEALTH_QUESTIONS; i++) {
        enum health_question question = (enum health_question)i;
        if (strcmp(path, health_path(question)) == 0) {
            bool ok = health_ask(&monitor->health, question, clock_now_ms(monitor->clock), line);
            ret_page->status = ok ? 200 : 503;
            return buf_format(body, &ignored, "%s\n", line);
        }
    }
    return false;
}

/* --- listening --- */

static bool open_listener(struct monitor *monitor, struct loop *loop, const char *address,
                          struct error *err)
{
    const struct listener_owner owner = {monitor, show};
    monitor->address = strdup(address);
    if (!monitor->address) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return listener_new(loop, address, &owner, &monitor->listener, err);
}

void monitor_listen(struct monitor *monitor, struct loop *loop, struct journal *journal,
                    const struct settings *settings)
{
    struct error error;
    const char *address = settings->listen;
    monitor->health.max_stale_ms = settings->max_stale_ms;
    if (monitor->listener && strcmp(address, monitor->address) == 0) {
        return;
    }
    silence(monitor);
    bool ok = !address[0] || open_listener(monitor, loop, address, &error);
    if (!ok) {
        silence(monitor);
    }
    journal_state(journal, JOURNAL_LISTENER, ok ? NULL : &error,
                  ok ? address[0] ? "listening for probes and metrics" : "listen is off"
                     : "no probes and metrics; see listen: in the template");
}

/* --- what happened --- */

void monitor_carry(struct monitor *monitor)
{
    health_carry(&monitor->health, clock_now_ms(monitor->clock));
}

void monitor_begin(struct monitor *monitor)
{
    monitor->began_ms = clock_now_ms(monitor->clock);
}

void monitor_end(struct monitor *monitor, uint64_t generation, const struct error *error)
{
    uint64_t now = clock_now_ms(monitor->clock);
    const char *result = error ? error_describe(error->code)->label : "ok";
    metrics_add(monitor->metrics, METRIC_REFRESHES, METRIC_LABELS_OF(result), 1);
    metrics_observe_duration(monitor->metrics, now - monitor->began_ms);
    set(monitor, METRIC_GENERATION, (double)generation);
    if (error) {
        health_failed(&monitor->health, error);
    } else {
        health_succeeded(&monitor->health, now);
        set(monitor, METRIC_LAST_SUCCESS, wall_seconds(monitor));
    }
}

void monitor_template(struct monitor *monitor, const struct error *error)
{
    monitor->health.template.code = ERROR_NONE;
    if (error) {
        monitor->health.template = *error;
    }
    set(monitor, METRIC_TEMPLATE_VALID, !error);
}

void monitor_confined(struct monitor *monitor, const struct sandbox *sandbox)
{
    char landlock[16];
    snprintf(landlock, sizeof(landlock), "%d", sandbox->landlock);
    metrics_set(monitor->metrics, METRIC_SANDBOX_INFO,
                METRIC_LABELS_OF(landlock, calls_name(sandbox->calls)), 1);
}

void monitor_follow(struct monitor *monitor, bool by_events)
{
    metrics_set(monitor->metrics, METRIC_WATCH_MODE, METRIC_LABELS_OF("events"), by_events);
    metrics_set(monitor->metrics, METRIC_WATCH_MODE, METRIC_LABELS_OF("poll"), !by_events);
}
