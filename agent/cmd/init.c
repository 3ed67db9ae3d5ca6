#include <stdlib.h>
#include <sysexits.h>

#include "cmd/command.h"
#include "cmd/load.h"
#include "core/agent.h"
#include "core/review.h"

int command_init(const struct options *options)
{
    struct loaded loaded;
    int status;
    if (!load_template(options, &loaded) || !load_require_host(&loaded) ||
        !review_outputs(loaded.template, &loaded.findings)) {
        load_report(&loaded, &options->log);
        status = load_exit_status(&loaded);
    } else {
        load_warn_root(&loaded, &options->log);
        status = agent_init(&(struct agent_options){
            .template = loaded.template,
            .log = &options->log,
            .clock = options->log.clock,
            .token_variable = getenv("OP_CONNECT_TOKEN"),
            .timeout_ms = options->timeout_ms,
            .sandbox_off = options->sandbox_off,
        });
    }
    load_done(&loaded);
    return status;
}
