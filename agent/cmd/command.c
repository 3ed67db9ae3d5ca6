#include "cmd/command.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "io/process.h"

static const struct command commands[] = {
    {"init", "resolve the template, publish its outputs, exit",
     OPTIONS_TEMPLATE | OPTIONS_SETTINGS | OPTIONS_LOG | OPTIONS_TIMEOUT, NULL, command_init},
    {"sidecar", "publish, then follow the token, the template and the vaults until stopped",
     OPTIONS_TEMPLATE | OPTIONS_SETTINGS | OPTIONS_LOG, NULL, command_sidecar},
    {"exec", "run a command with secrets in its environment, as its init process",
     OPTIONS_TEMPLATE | OPTIONS_SETTINGS | OPTIONS_LOG | OPTIONS_TIMEOUT | OPTIONS_COMMAND,
     "-- COMMAND", command_exec},
    {"check", "say everything that is wrong with the template; with --online, ask Connect too",
     OPTIONS_TEMPLATE | OPTIONS_CHECK | OPTIONS_SETTINGS | OPTIONS_LOG | OPTIONS_TIMEOUT |
         OPTIONS_QUIET,
     NULL, command_check},
    {"read", "print the value of one reference, as `op read` does",
     OPTIONS_ARGUMENT | OPTIONS_CONNECT | OPTIONS_OUT | OPTIONS_NEWLINE | OPTIONS_LOG |
         OPTIONS_TIMEOUT | OPTIONS_QUIET,
     "REFERENCE", command_read},
    {"inject", "fill in a template of `op inject`",
     OPTIONS_CONNECT | OPTIONS_IN | OPTIONS_OUT | OPTIONS_LOG | OPTIONS_TIMEOUT | OPTIONS_QUIET,
     NULL, command_inject},
    {"probe", "ask a running agent whether it has started, is ready, or lives",
     OPTIONS_ARGUMENT | OPTIONS_TEMPLATE | OPTIONS_LISTEN, "QUESTION", command_probe},
    {"install", "copy this program into a directory, for the exec of another image",
     OPTIONS_ARGUMENT, "DIRECTORY", command_install},
    {"schema", "print the JSON Schema of the template, for editors", 0, NULL, command_schema},
    {"completion", "print the completion script for a shell", OPTIONS_ARGUMENT, "SHELL",
     command_completion},
    {"help", "show this text, or `help COMMAND`", OPTIONS_ARGUMENT, "COMMAND", command_help},
    {"version", "show the version and that of the libraries", 0, NULL, command_version},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

const struct command *command_list(size_t *ret_count)
{
    *ret_count = COMMANDS;
    return commands;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* `--help` and `--version` work as people expect of every program. */
static const char *translate(const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        return "help";
    }
    return strcmp(word, "--version") == 0 ? "version" : word;
}

int command_complain(const char *name)
{
    const char *names[COMMANDS];
    char shown[64];
    for (size_t i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
    }
    const char *nearest = str_suggest(str_from(name), names, COMMANDS);
    str_print(str_from(name), shown, sizeof(shown));
    fprintf(stderr, "connect-agent: no command \"%s\"%s%s%s; see `connect-agent help`\n", shown,
            nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    return EX_USAGE;
}

int command_run(int argc, char *argv[])
{
    struct options options;
    struct error error;
    if (argc < 2) {
        fprintf(stderr, "connect-agent: no command given; see `connect-agent help`\n");
        return EX_USAGE;
    }
    const struct command *command = find(translate(argv[1]));
    if (!command) {
        return command_complain(argv[1]);
    }
    if (!options_parse(&options, command->options, argc - 1, argv + 1, &error)) {
        fprintf(stderr, "connect-agent %s: %s\n", command->name, error.message);
        return error_describe(error.code)->exit_status;
    }
    if (options.help) {
        options.argument = command->name;
        return command_help(&options);
    }
    if (command->options & OPTIONS_COMMAND) {
        process_note_inherited();
    } else {
        process_seal();
    }
    return command->run(&options);
}
