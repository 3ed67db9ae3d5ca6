/* The commands, in one table. Each is one thin file that turns options into a call of core/. */
#pragma once

#include <stddef.h>

#include "cmd/options.h"

struct command {
    const char *name;
    const char *summary;                       /* one line, for `help` */
    unsigned options;                          /* OPTIONS_…: what it takes besides its name */
    const char *argument;                      /* with OPTIONS_ARGUMENT: what the word is */
    int (*run)(const struct options *options); /* gives the exit status */
};

/* Finds the command named by argv[1], parses its options, runs it. Messages go to stderr. */
int command_run(int argc, char *argv[]);

/* Says that there is no such command, and which may be meant. Gives the exit status. */
int command_complain(const char *name);

/* All commands; *ret_count is their number. */
const struct command *command_list(size_t *ret_count);

int command_init(const struct options *options);
int command_sidecar(const struct options *options);
int command_exec(const struct options *options);
int command_check(const struct options *options);
int command_read(const struct options *options);
int command_inject(const struct options *options);
int command_probe(const struct options *options);
int command_install(const struct options *options);
int command_schema(const struct options *options);
int command_completion(const struct options *options);
int command_help(const struct options *options);
int command_version(const struct options *options);
