/* The template as every command takes it: read, with overrides applied, or with what is wrong. */
#pragma once

#include <stdbool.h>

#include "base/findings.h"
#include "cmd/options.h"
#include "model/template.h"

struct loaded {
    struct template *template; /* null when something is wrong */
    struct findings findings;
};

bool load_template(const struct options *options, struct loaded *ret_loaded);
/* A command that talks to Connect needs to know where it is; adds the finding when it is unset. */
bool load_require_host(struct loaded *loaded);
void load_done(struct loaded *loaded);

/* A warning where root publishes files that nobody else can read, and no `owner:` says that it is
 * meant: most often an image that was started as another user than its own. */
void load_warn_root(const struct loaded *loaded, const struct log *log);

/* All findings as log lines. */
void load_report(const struct loaded *loaded, const struct log *log);
/* All of them on standard error, for a command that has no log. */
void load_complain(const struct loaded *loaded, const char *command);

/* Of the first finding. */
int load_exit_status(const struct loaded *loaded);
