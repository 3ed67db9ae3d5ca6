#include "core/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connect/webhook.h"

/* The kubelet's own limit is what counts; this one is for people. */
enum { PATIENCE_MS = 3000 };

struct probe {
    struct loop loop;
    char *line;
    bool ok;
};

static void on_answer(void *context, const struct transport_answer *answer,
                      const struct error *error)
{
    struct probe *probe = context;
    if (answer) {
        struct str body = secret_str(answer->body);
        size_t end = str_find(body, 0, "\n");
        probe->ok = answer->status == 200;
        str_print(str_slice(body, 0, end), probe->line, HEALTH_LINE);
    } else {
        snprintf(probe->line, HEALTH_LINE,
                 "no answer: %s; does connect-agent run, and listen there?", error->message);
    }
    loop_stop(&probe->loop);
}

/* 0.0.0.0 and [::] are no addresses to ask. */
static char *url_of(const char *address, enum health_question question)
{
    static const char any[] = "0.0.0.0:", any6[] = "[::]:";
    char *url = NULL;
    const char *host = "";
    if (strncmp(address, any, strlen(any)) == 0) {
        host = "127.0.0.1:";
        address += strlen(any);
    } else if (strncmp(address, any6, strlen(any6)) == 0) {
        host = "[::1]:";
        address += strlen(any6);
    }
    return asprintf(&url, "http://%s%s%s", host, address, health_path(question)) < 0 ? NULL : url;
}

static bool ask(struct probe *probe, const char *url, struct error *err)
{
    struct webhook *webhook;
    const struct webhook_request request = {
        .url = url, .method = "GET", .timeout_ms = PATIENCE_MS, .limit = LIMIT_PAGE};
    if (!webhook_start(&probe->loop, &request, (struct transport_done){on_answer, probe}, &webhook,
                       err)) {
        return false;
    }
    bool ok = loop_run(&probe->loop, err);
    webhook_free(webhook);
    return ok;
}

bool probe_ask(const char *address, enum health_question question, const struct clock *clock,
               char line[HEALTH_LINE])
{
    struct probe probe = {.line = line};
    struct error error;
    if (!address[0]) {
        snprintf(line, HEALTH_LINE, "nobody to ask: listen is off");
        return false;
    }
    char *url = url_of(address, question);
    if (!url || !loop_init(&probe.loop, clock, &error)) {
        snprintf(line, HEALTH_LINE, "out of memory");
        free(url);
        return false;
    }
    if (!ask(&probe, url, &error)) {
        snprintf(line, HEALTH_LINE, "%s", error.message);
        probe.ok = false;
    }
    loop_done(&probe.loop);
    free(url);
    return probe.ok;
}
