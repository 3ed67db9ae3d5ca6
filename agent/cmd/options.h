/* Options of the command line: flag over environment over template. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/log.h"
#include "config/settings.h"

/* Groups of options a command takes. */
enum {
    OPTIONS_TEMPLATE = 1 << 0, /* -c FILE */
    OPTIONS_SETTINGS = 1 << 1, /* one flag for each setting of the template */
    OPTIONS_LOG = 1 << 2,      /* --log-level, --log-format, --sandbox */
    OPTIONS_TIMEOUT = 1 << 3,  /* --timeout */
    OPTIONS_ARGUMENT = 1 << 4, /* one word */
    OPTIONS_CHECK = 1 << 5,    /* --online, --json */
    OPTIONS_IN = 1 << 6,       /* -i FILE */
    OPTIONS_OUT = 1 << 7,      /* -o FILE, --file-mode, -f */
    OPTIONS_NEWLINE = 1 << 8,  /* -n */
    OPTIONS_QUIET = 1 << 9,    /* for people: warnings as text, unless asked for more */
    OPTIONS_CONNECT = 1 << 10, /* -c FILE for its connect block alone, and that block's flags */
    OPTIONS_LISTEN = 1 << 11,  /* --listen */
    OPTIONS_COMMAND = 1 << 12, /* a command and its arguments, after the options or -- */
};

struct options {
    const char *template_path; /* all texts are borrowed from the arguments and the environment */
    struct overrides overrides;
    struct log log;
    uint64_t timeout_ms;
    const char *argument; /* null when there is none */
    char *const *command; /* ended by null; with OPTIONS_COMMAND */
    bool help;            /* --help */
    bool template_given;  /* template_path is not the default */
    bool sandbox_off;
    bool online;
    bool json;
    bool force;
    bool no_newline;
    bool mask;
    const char *in_file; /* null when not given */
    const char *out_file;
    mode_t file_mode;
};

struct options_flag {
    const char *name;     /* without its dashes */
    int value;            /* a letter, which is the short form; or more than 255 */
    unsigned group;       /* OPTIONS_…; the help of OPTIONS_SETTINGS names no environment */
    const char *argument; /* null: takes none */
    const char *help;     /* one line */
};

enum { OPTIONS_MOST = 32 };

/* Is there a short form? */
static inline bool options_has_letter(const struct options_flag *flag)
{
    return flag->value < 256;
}

/* All that commands of these groups take; gives their number. */
size_t options_flags(unsigned groups, struct options_flag flags[OPTIONS_MOST]);

/* argv[0] is the command's name. ERROR_USAGE says which option and what it wants. */
bool options_parse(struct options *options, unsigned groups, int argc, char *argv[],
                   struct error *err);

/* Prints the options of the groups, one a line, as `help` shows them. */
void options_print(unsigned groups);
