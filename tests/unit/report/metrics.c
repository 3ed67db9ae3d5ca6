#include "report/metrics.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct buf text;

static const char *print(const struct metrics *metrics)
{
    struct error error;
    buf_done(&text);
    buf_init(&text, 1 << 20);
    cr_assert(metrics_print(metrics, &text, &error), "%s", error.message);
    return text.bytes;
}

Test(metrics, counts_by_labels_and_escapes_them)
{
    struct metrics *metrics = metrics_new();
    metrics_add(metrics, METRIC_REQUESTS, METRIC_LABELS_OF("vault", "200"), 1);
    metrics_add(metrics, METRIC_REQUESTS, METRIC_LABELS_OF("vault", "200"), 2);
    metrics_add(metrics, METRIC_REQUESTS, METRIC_LABELS_OF("vault", "503"), 1);
    metrics_set(metrics, METRIC_REFERENCE_FAILED, METRIC_LABELS_OF("a\\b\"c\nd"), 1);
    const char *printed = print(metrics);
    cr_expect(strstr(printed, "requests_total{endpoint=\"vault\",code=\"200\"} 3\n"));
    cr_expect(strstr(printed, "requests_total{endpoint=\"vault\",code=\"503\"} 1\n"));
    cr_expect(strstr(printed, "reference_failed{reference=\"a\\\\b\\\"c\\nd\"} 1\n"));
    metrics_clear(metrics, METRIC_REFERENCE_FAILED);
    cr_expect_not(strstr(print(metrics), "reference_failed{"));
    metrics_free(metrics);
    buf_done(&text);
}

Test(metrics, a_duration_is_in_every_bucket_above_it)
{
    struct metrics *metrics = metrics_new();
    metrics_observe_duration(metrics, 10);
    metrics_observe_duration(metrics, 11);
    metrics_observe_duration(metrics, 1000000);
    const char *printed = print(metrics);
    cr_expect(strstr(printed, "_bucket{le=\"0.01\"} 1\n"));
    cr_expect(strstr(printed, "_bucket{le=\"0.05\"} 2\n"));
    cr_expect(strstr(printed, "_bucket{le=\"60\"} 2\n"));
    cr_expect(strstr(printed, "_bucket{le=\"+Inf\"} 3\n"));
    cr_expect(strstr(printed, "_sum 1000.021\n"));
    cr_expect(strstr(printed, "_count 3\n"));
    metrics_free(metrics);
    buf_done(&text);
}

Test(metrics, the_number_of_samples_is_bounded)
{
    struct metrics *metrics = metrics_new();
    char name[32];
    for (int i = 0; i < 2 * METRIC_SAMPLES; i++) {
        snprintf(name, sizeof(name), "op://a/b/%d", i);
        metrics_set(metrics, METRIC_REFERENCE_FAILED, METRIC_LABELS_OF(name), 1);
    }
    size_t lines = 0;
    for (const char *at = print(metrics); (at = strstr(at, "reference_failed{")); at++) {
        lines++;
    }
    cr_expect_eq(lines, METRIC_SAMPLES);
    metrics_free(metrics);
    metrics_set(NULL, METRIC_READY, METRIC_LABELS_OF(), 1); /* nobody counts */
    buf_done(&text);
}

Test(metrics, an_unknown_end_is_infinite)
{
    struct metrics *metrics = metrics_new();
    metrics_set(metrics, METRIC_TOKEN_EXPIRY, METRIC_LABELS_OF(), (double)INFINITY);
    cr_expect(strstr(print(metrics), "token_expiry_timestamp_seconds +Inf\n"));
    metrics_free(metrics);
    buf_done(&text);
}
