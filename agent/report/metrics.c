#include "report/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum metric_kind {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
};

struct metric_info {
    const char *name;
    enum metric_kind kind;
    const char *help;
    const char *labels[METRIC_LABELS]; /* null: no more */
};

static const struct metric_info table[METRICS] = {
    [METRIC_BUILD_INFO] = {"build_info", METRIC_GAUGE, "The version that runs.", {"version"}},
    [METRIC_SANDBOX_INFO] =
        {"sandbox_info",
         METRIC_GAUGE,
         "What is in force: version of Landlock (0: none), kind of seccomp filter.",
         {"landlock", "seccomp"}},
    [METRIC_START_TIME] = {"start_time_seconds",
                           METRIC_GAUGE,
                           "When the agent was started, since 1970.",
                           {NULL}},
    [METRIC_READY] = {"ready", METRIC_GAUGE, "1 while /readyz says so.", {NULL}},
    [METRIC_LAST_SUCCESS] = {"last_success_timestamp_seconds",
                             METRIC_GAUGE,
                             "When a refresh last went through, since 1970.",
                             {NULL}},
    [METRIC_GENERATION] = {"generation",
                           METRIC_GAUGE,
                           "Publications that changed anything, since the start.",
                           {NULL}},
    [METRIC_PUBLISHED_BYTES] = {"published_bytes",
                                METRIC_GAUGE,
                                "Size of all files that are published.",
                                {"output"}},
    [METRIC_REFRESHES] = {"refreshes_total",
                          METRIC_COUNTER,
                          "Refreshes by result: ok, or the class of the error.",
                          {"result"}},
    [METRIC_REFRESH_DURATION] = {"refresh_duration_seconds",
                                 METRIC_HISTOGRAM,
                                 "Time from the start of a refresh to its end.",
                                 {NULL}},
    [METRIC_REQUESTS] = {"requests_total",
                         METRIC_COUNTER,
                         "Requests to Connect by endpoint and status; code none: no answer.",
                         {"endpoint", "code"}},
    [METRIC_ITEM_READS] = {"item_reads_total",
                           METRIC_COUNTER,
                           "Items read: each shows in 1Password's usage report.",
                           {NULL}},
    [METRIC_REFERENCE_FAILED] = {"reference_failed",
                                 METRIC_GAUGE,
                                 "1 for each reference that the last refresh could not resolve.",
                                 {"reference"}},
    [METRIC_TOKEN_EXPIRY] = {"token_expiry_timestamp_seconds",
                             METRIC_GAUGE,
                             "When the token expires by its own account; +Inf: not said.",
                             {NULL}},
    [METRIC_TOKEN_ACCEPTED] = {"token_accepted",
                               METRIC_GAUGE,
                               "0 while Connect refuses the token that is mounted.",
                               {NULL}},
    [METRIC_TEMPLATE_VALID] = {"template_valid",
                               METRIC_GAUGE,
                               "0 while the template's file is wrong and an older one in force.",
                               {NULL}},
    [METRIC_HOOK_RUNS] = {"hook_runs_total",
                          METRIC_COUNTER,
                          "Tries of hooks; failed for good: result gave_up.",
                          {"phase", "hook", "result"}},
    [METRIC_WATCH_MODE] = {"watch_mode",
                           METRIC_GAUGE,
                           "1 for the way in which files are followed: events or poll.",
                           {"mode"}},
};

/* Upper bounds, in ms; the last one is +Inf. */
static const uint64_t buckets[METRIC_BUCKETS - 1] = {10, 50, 100, 500, 1000, 5000, 15000, 60000};

struct sample {
    struct sample *next;
    enum metric metric;
    char *values[METRIC_LABELS]; /* owned */
    double value;
};

struct metrics {
    struct sample *samples; /* in the order of their birth */
    size_t count;
    uint64_t durations[METRIC_BUCKETS];
    uint64_t duration_ms; /* of all */
};

struct metrics *metrics_new(void)
{
    return calloc(1, sizeof(struct metrics));
}

static void sample_free(struct sample *sample)
{
    for (size_t i = 0; i < METRIC_LABELS; i++) {
        free(sample->values[i]);
    }
    free(sample);
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics) {
        return;
    }
    for (int i = 0; i < METRICS; i++) {
        metrics_clear(metrics, (enum metric)i);
    }
    free(metrics);
}

static bool is_same(const struct sample *sample, enum metric metric,
                    const struct metric_labels *labels)
{
    if (sample->metric != metric) {
        return false;
    }
    for (size_t i = 0; i < METRIC_LABELS && table[metric].labels[i]; i++) {
        if (strcmp(sample->values[i], labels->values[i]) != 0) {
            return false;
        }
    }
    return true;
}

static struct sample *sample_new(enum metric metric, const struct metric_labels *labels)
{
    struct sample *sample = calloc(1, sizeof(*sample));
    for (size_t i = 0; sample && i < METRIC_LABELS && table[metric].labels[i]; i++) {
        sample->values[i] = strdup(labels->values[i]);
        if (!sample->values[i]) {
            sample_free(sample);
            return NULL;
        }
    }
    if (sample) {
        sample->metric = metric;
    }
    return sample;
}

/* Null when there is no more room. */
static struct sample *find(struct metrics *metrics, enum metric metric,
                           const struct metric_labels *labels)
{
    struct sample **at = &metrics->samples;
    while (*at && !is_same(*at, metric, labels)) {
        at = &(*at)->next;
    }
    if (!*at && metrics->count < METRIC_SAMPLES) {
        *at = sample_new(metric, labels);
        metrics->count += *at != NULL;
    }
    return *at;
}

void metrics_add(struct metrics *metrics, enum metric metric, const struct metric_labels *labels,
                 double value)
{
    struct sample *sample = metrics ? find(metrics, metric, labels) : NULL;
    if (sample) {
        sample->value += value;
    }
}

void metrics_set(struct metrics *metrics, enum metric metric, const struct metric_labels *labels,
                 double value)
{
    struct sample *sample = metrics ? find(metrics, metric, labels) : NULL;
    if (sample) {
        sample->value = value;
    }
}

void metrics_clear(struct metrics *metrics, enum metric metric)
{
    struct sample **at = metrics ? &metrics->samples : NULL;
    while (at && *at) {
        struct sample *sample = *at;
        if (sample->metric != metric) {
            at = &sample->next;
            continue;
        }
        *at = sample->next;
        sample_free(sample);
        metrics->count--;
    }
}

void metrics_observe_duration(struct metrics *metrics, uint64_t ms)
{
    size_t i = 0;
    if (!metrics) {
        return;
    }
    while (i < METRIC_BUCKETS - 1 && ms > buckets[i]) {
        i++;
    }
    metrics->durations[i]++;
    metrics->duration_ms += ms;
}

/* --- text --- */

static bool print_value(struct buf *into, double value, struct error *err)
{
    if (value > 1e300) {
        return buf_append(into, str_from("+Inf\n"), err);
    }
    return buf_format(into, err, "%.15g\n", value);
}

/* Backslash, quote and line feed are escaped. */
static bool print_label(struct buf *into, const char *name, const char *value, struct error *err)
{
    bool ok = buf_format(into, err, "%s=\"", name);
    for (; ok && *value; value++) {
        const char *escaped = *value == '\\' ? "\\\\" : *value == '"' ? "\\\"" : "\\n";
        bool plain = *value != '\\' && *value != '"' && *value != '\n';
        ok = buf_append(into, plain ? (struct str){value, 1} : str_from(escaped), err);
    }
    return ok && buf_append(into, str_from("\""), err);
}

static bool print_labels(const struct sample *sample, struct buf *into, struct error *err)
{
    const struct metric_info *info = &table[sample->metric];
    bool ok = true;
    for (size_t i = 0; ok && i < METRIC_LABELS && info->labels[i]; i++) {
        ok = buf_append(into, str_from(i == 0 ? "{" : ","), err) &&
             print_label(into, info->labels[i], sample->values[i], err);
    }
    return ok && (!info->labels[0] || buf_append(into, str_from("}"), err));
}

static bool print_sample(const struct sample *sample, struct buf *into, struct error *err)
{
    return buf_format(into, err, "connect_agent_%s", table[sample->metric].name) &&
           print_labels(sample, into, err) && buf_append(into, str_from(" "), err) &&
           print_value(into, sample->value, err);
}

static bool print_buckets(const struct metrics *metrics, const char *name, struct buf *into,
                          struct error *err)
{
    uint64_t count = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < METRIC_BUCKETS - 1; i++) {
        count += metrics->durations[i];
        ok = buf_format(into, err, "connect_agent_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
                        (double)buckets[i] / 1000, count);
    }
    count += metrics->durations[METRIC_BUCKETS - 1];
    return ok &&
           buf_format(into, err,
                      "connect_agent_%s_bucket{le=\"+Inf\"} %" PRIu64 "\nconnect_agent_%s_sum "
                      "%.15g\nconnect_agent_%s_count %" PRIu64 "\n",
                      name, count, name, (double)metrics->duration_ms / 1000, name, count);
}

static bool print_family(const struct metrics *metrics, enum metric metric, struct buf *into,
                         struct error *err)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    const struct metric_info *info = &table[metric];
    bool ok = buf_format(into, err, "# HELP connect_agent_%s %s\n# TYPE connect_agent_%s %s\n",
                         info->name, info->help, info->name, kinds[info->kind]);
    if (ok && info->kind == METRIC_HISTOGRAM) {
        return print_buckets(metrics, info->name, into, err);
    }
    for (const struct sample *at = metrics->samples; ok && at; at = at->next) {
        ok = at->metric != metric || print_sample(at, into, err);
    }
    return ok;
}

bool metrics_print(const struct metrics *metrics, struct buf *into, struct error *err)
{
    bool ok = true;
    for (int i = 0; ok && i < METRICS; i++) {
        ok = print_family(metrics, (enum metric)i, into, err);
    }
    return ok;
}
