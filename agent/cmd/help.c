#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cmd/command.h"

static void print_overview(const struct command commands[], size_t count)
{
    printf("connect-agent puts 1Password secrets where an application reads them.\n\n"
           "Usage: connect-agent COMMAND [OPTION…]\n\nCommands:\n");
    for (size_t i = 0; i < count; i++) {
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    printf(
        "\nExit status: 0 ok, 64 usage, 65 template wrong, 66 reference not found or ambiguous,\n"
        "69 Connect unreachable in time, 70 a bug, 73 output cannot be written,\n"
        "77 token rejected or vault not granted.\n");
}

static void print_command(const struct command *command)
{
    printf("Usage: connect-agent %s%s%s [OPTION…]\n\n%s\n", command->name,
           command->argument ? " " : "", command->argument ? command->argument : "",
           command->summary);
    printf("\nOptions (environment variable and default in brackets):\n");
    options_print(command->options);
}

int command_help(const struct options *options)
{
    size_t count;
    const struct command *commands = command_list(&count);
    if (!options->argument) {
        print_overview(commands, count);
        return EX_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, options->argument) == 0) {
            print_command(&commands[i]);
            return EX_OK;
        }
    }
    return command_complain(options->argument);
}
