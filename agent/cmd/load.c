#include "cmd/load.h"

#include <sysexits.h>

#include "config/config.h"

bool load_template(const struct options *options, struct loaded *ret_loaded)
{
    *ret_loaded = (struct loaded){.template = NULL};
    findings_init(&ret_loaded->findings);
    return config_load(options->template_path, &options->overrides, &ret_loaded->findings,
                       &ret_loaded->template);
}

bool load_require_host(struct loaded *loaded)
{
    struct error error;
    return settings_require_host(&loaded->template->settings, &error) ||
           findings_add(&loaded->findings, (struct place){.line = 0}, &error);
}

void load_done(struct loaded *loaded)
{
    template_free(loaded->template);
    findings_done(&loaded->findings);
}

int load_exit_status(const struct loaded *loaded)
{
    const struct findings *findings = &loaded->findings;
    return findings->count ? error_describe(findings->list[0].error.code)->exit_status
                           : EX_SOFTWARE;
}
