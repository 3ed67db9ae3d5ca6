#include <stdlib.h>

#include "cmd/command.h"
#include "cmd/load.h"
#include "core/review.h"
#include "core/sidecar.h"

int command_sidecar(const struct options *options)
{
    struct loaded loaded;
    int status;
    if (load_template(options, &loaded) && load_require_host(&loaded) &&
        review_outputs(loaded.template, &loaded.findings)) {
        load_warn_root(&loaded, &options->log);
        struct template *template = loaded.template;
        loaded.template = NULL;
        status = sidecar_run(&(struct sidecar_options){
            .template = template,
            .path = options->template_path,
            .overrides = &options->overrides,
            .log = &options->log,
            .clock = options->log.clock,
            .token_variable = getenv("OP_CONNECT_TOKEN"),
            .sandbox_off = options->sandbox_off,
        });
    } else {
        load_report(&loaded, &options->log);
        status = load_exit_status(&loaded);
    }
    load_done(&loaded);
    return status;
}
