#include "cmd/load.h"

#include <stdio.h>
#include <sysexits.h>

#include "config/config.h"
#include "core/journal.h"
#include "core/review.h"

bool load_template(const struct options *options, struct loaded *ret_loaded)
{
    *ret_loaded = (struct loaded){.template = NULL};
    findings_init(&ret_loaded->findings);
    return config_load(options->template_path, &options->overrides, &ret_loaded->findings,
                       &ret_loaded->template) &&
           review_template(ret_loaded->template, &ret_loaded->findings);
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

void load_report(const struct loaded *loaded, const struct log *log)
{
    struct journal journal;
    journal_init(&journal, log);
    journal_findings(&journal, "the template is wrong", &loaded->findings);
}

void load_complain(const struct loaded *loaded, const char *command)
{
    for (size_t i = 0; i < loaded->findings.count; i++) {
        char text[2 * LIMIT_MESSAGE];
        finding_print(&loaded->findings.list[i], text, sizeof(text));
        fprintf(stderr, "connect-agent %s: %s\n", command, text);
    }
}

int load_exit_status(const struct loaded *loaded)
{
    const struct findings *findings = &loaded->findings;
    return findings->count ? error_describe(findings->list[0].error.code)->exit_status
                           : EX_SOFTWARE;
}
