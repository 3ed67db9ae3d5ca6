#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cmd/command.h"
#include "cmd/load.h"
#include "core/probe.h"

enum { NOT_WELL = 1 };

/* A template that has gone wrong must not make a probe fail: the agent goes on with an older one.
 * Then the flag, the environment and the default say where it listens. */
static bool ask(const struct options *options, enum health_question question,
                char line[HEALTH_LINE])
{
    struct loaded loaded;
    struct settings settings;
    bool ok;
    settings_init(&settings);
    if (load_template(options, &loaded)) {
        ok = probe_ask(loaded.template->settings.listen, question, options->log.clock, line);
    } else if (settings_override(&settings, &options->overrides, &loaded.findings)) {
        ok = probe_ask(settings.listen, question, options->log.clock, line);
    } else {
        snprintf(line, HEALTH_LINE, "the settings are wrong: see connect-agent check");
        ok = false;
    }
    settings_done(&settings);
    load_done(&loaded);
    return ok;
}

int command_probe(const struct options *options)
{
    char line[HEALTH_LINE];
    enum health_question question;
    if (!options->argument || !health_find(options->argument, &question)) {
        fprintf(stderr, "connect-agent probe: name a question: startup, ready or live\n");
        return EX_USAGE;
    }
    bool ok = ask(options, question, line);
    printf("%s\n", line);
    return ok ? EX_OK : NOT_WELL;
}
