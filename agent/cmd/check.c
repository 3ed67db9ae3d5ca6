#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cmd/command.h"
#include "cmd/load.h"
#include "cmd/report.h"
#include "core/agent.h"
#include "core/plan.h"

struct job {
    const struct options *options;
    const struct loaded *loaded;
    struct plan plan;
};

static void look(void *context, const struct agent_view *view)
{
    struct job *job = context;
    const struct report report = {.loaded = job->loaded,
                                  .findings = view->findings,
                                  .values = view->values,
                                  .error = view->error,
                                  .required = job->plan.required,
                                  .online = true};
    report_print(&report, job->options->json);
}

static int check_online(const struct options *options, const struct loaded *loaded)
{
    struct job job = {.options = options, .loaded = loaded};
    struct error error;
    if (!plan_init(&job.plan, loaded->template, &error)) {
        fprintf(stderr, "connect-agent check: %s\n", error.message);
        return error_describe(error.code)->exit_status;
    }
    const struct agent_preview preview = {&job, look};
    int status = agent_preview(
        &(struct agent_options){
            .template = loaded->template,
            .log = &options->log,
            .clock = options->log.clock,
            .token_variable = getenv("OP_CONNECT_TOKEN"),
            .timeout_ms = options->timeout_ms,
            .sandbox_off = options->sandbox_off,
        },
        &preview);
    plan_done(&job.plan);
    return status;
}

int command_check(const struct options *options)
{
    struct loaded loaded;
    int status = EX_OK;
    struct options own = *options;
    own.overrides.launch = true;
    bool ok = load_template(&own, &loaded) && (!options->online || load_require_host(&loaded));
    if (ok && options->online) {
        status = check_online(options, &loaded);
    } else {
        const struct report report = {.loaded = &loaded, .findings = &loaded.findings};
        report_print(&report, options->json);
        status = ok ? EX_OK : load_exit_status(&loaded);
    }
    load_done(&loaded);
    return status;
}
