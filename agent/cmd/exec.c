#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/load.h"
#include "core/launch.h"

/* Only a default that is not there is no template: one that cannot be reached is a mistake. */
static bool has_template(const struct options *options)
{
    return options->template_given || access(options->template_path, F_OK) == 0 || errno != ENOENT;
}

/* A volume that was forgotten must not start a command without its secrets. */
static bool require_something(const struct options *options, struct loaded *loaded)
{
    return loaded->template->path || loaded->template->references.count > 0 ||
           findings_format(&loaded->findings, (struct place){.line = 0}, ERROR_TEMPLATE,
                           "nothing to resolve: no template at %s, and no variable of the "
                           "environment is a reference",
                           options->template_path);
}

int command_exec(const struct options *options)
{
    struct loaded loaded;
    struct options own = *options;
    int status;
    own.overrides.launch = true;
    own.overrides.launch_variables = true;
    own.template_path = has_template(options) ? options->template_path : NULL;
    if (load_template(&own, &loaded) && require_something(options, &loaded) &&
        load_require_host(&loaded)) {
        struct template *template = loaded.template;
        loaded.template = NULL;
        status = launch_run(&(struct launch_options){
            .sidecar = {.template = template,
                        .path = own.template_path,
                        .overrides = &own.overrides,
                        .log = &own.log,
                        .clock = own.log.clock,
                        .token_variable = getenv("OP_CONNECT_TOKEN")},
            .command = own.command,
            .environment = environ,
            .timeout_ms = own.timeout_ms,
            .mask = own.mask,
        });
    } else {
        load_report(&loaded, &own.log);
        status = load_exit_status(&loaded);
    }
    load_done(&loaded);
    return status;
}
