/* The program's counters and gauges, and their text for Prometheus (exposition format 0.0.4). The
 * families are a fixed table; their samples come with the label values that are met, up to a limit.
 * Knows nothing of what is counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum metric {
    METRIC_BUILD_INFO,   /* version */
    METRIC_SANDBOX_INFO, /* landlock, seccomp */
    METRIC_START_TIME,
    METRIC_READY,
    METRIC_LAST_SUCCESS,
    METRIC_GENERATION,
    METRIC_PUBLISHED_BYTES,  /* output */
    METRIC_REFRESHES,        /* result */
    METRIC_REFRESH_DURATION, /* a histogram */
    METRIC_REQUESTS,         /* endpoint, code */
    METRIC_ITEM_READS,
    METRIC_REFERENCE_FAILED, /* reference */
    METRIC_TOKEN_EXPIRY,
    METRIC_TOKEN_ACCEPTED,
    METRIC_TEMPLATE_VALID,
    METRIC_HOOK_RUNS,  /* phase, hook, result */
    METRIC_WATCH_MODE, /* mode */
    METRICS,
};

enum {
    METRIC_LABELS = 3,
    METRIC_SAMPLES = 256, /* of all families together; more are not kept */
    METRIC_BUCKETS = 9,
};

struct metrics;

struct metrics *metrics_new(void);          /* null without memory */
void metrics_free(struct metrics *metrics); /* null is allowed */

/* Values of the family's labels, in the order of the table; null for those it has not. */
struct metric_labels {
    const char *values[METRIC_LABELS + 1];
};

/* The last argument: the values of the labels, none for a family without. */
#define METRIC_LABELS_OF(...) (&(const struct metric_labels){{__VA_ARGS__ __VA_OPT__(, ) NULL}})

/* `metrics` may be null: then nobody counts. A sample that memory is missing for is lost. */
void metrics_add(struct metrics *metrics, enum metric metric, const struct metric_labels *labels,
                 double value);
void metrics_set(struct metrics *metrics, enum metric metric, const struct metric_labels *labels,
                 double value);
/* Drops all samples of the family. */
void metrics_clear(struct metrics *metrics, enum metric metric);
void metrics_observe_duration(struct metrics *metrics, uint64_t ms);

bool metrics_print(const struct metrics *metrics, struct buf *into, struct error *err);
