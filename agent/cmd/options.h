/* Options of the command line: flag over environment over template. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "config/settings.h"

/* Groups of options a command takes. */
enum {
    OPTIONS_TEMPLATE = 1 << 0, /* -c FILE */
    OPTIONS_SETTINGS = 1 << 1, /* one flag for each setting of the template */
    OPTIONS_LOG = 1 << 2,      /* --log-level, --log-format */
    OPTIONS_TIMEOUT = 1 << 3,  /* --timeout */
    OPTIONS_ARGUMENT = 1 << 4, /* one word */
};

struct options {
    const char *template_path; /* all texts are borrowed from the arguments and the environment */
    struct overrides overrides;
    struct log log;
    uint64_t timeout_ms;
    const char *argument; /* null when there is none */
    bool help;            /* --help */
};

/* argv[0] is the command's name. ERROR_USAGE says which option and what it wants. */
bool options_parse(struct options *options, unsigned groups, int argc, char *argv[],
                   struct error *err);

/* Prints the options of the groups, one a line, as `help` shows them. */
void options_print(unsigned groups);
