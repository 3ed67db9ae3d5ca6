#include "cmd/load.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

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

static bool is_left_to_root(const struct output *output)
{
    for (size_t i = 0; i < output->files_count; i++) {
        const struct file *file = &output->files[i];
        if (file->uid == (uid_t)OWNER_UNSET && file->gid == (gid_t)OWNER_UNSET &&
            !(file->mode & S_IROTH)) {
            return true;
        }
    }
    return false;
}

void load_warn_root(const struct loaded *loaded, const struct log *log)
{
    const struct template *template = loaded->template;
    for (size_t i = 0; geteuid() == 0 && i < template->outputs_count; i++) {
        if (is_left_to_root(&template->outputs[i])) {
            log_write(log, LOG_WARN, "running as root",
                      log_text(LOG_KEY_OUTPUT, template->outputs[i].directory),
                      log_text(LOG_KEY_REASON,
                               "files here will belong to root, and only root can read them; run "
                               "as the application's user (the image's own is 65532), or say "
                               "`owner:`"));
        }
    }
}

void load_report(const struct loaded *loaded, const struct log *log)
{
    struct journal journal;
    journal_init(&journal, log);
    const struct findings *findings = &loaded->findings;
    bool usage = findings->count > 0 && findings->list[0].error.code == ERROR_USAGE;
    journal_findings(&journal, usage ? "the settings are wrong" : "the template is wrong",
                     findings);
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
