#include "cmd/command.h"
#include "cmd/completion.h"

/* What follows an option is the same for every command that has it. */
static void print_arguments(FILE *out)
{
    struct options_flag flags[OPTIONS_MOST];
    size_t count = options_flags(~(unsigned)OPTIONS_CONNECT, flags);
    for (size_t i = 0; i < count; i++) {
        const char *words = "";
        enum completion_kind kind = completion_of(flags[i].argument, &words);
        if (kind == COMPLETION_NOTHING) {
            continue;
        }
        fprintf(out, "    ");
        if (options_has_letter(&flags[i])) {
            fprintf(out, "-%c | ", flags[i].value);
        }
        fprintf(out, "--%s)\n", flags[i].name);
        if (kind == COMPLETION_FILE) {
            fprintf(out, "        compopt -o filenames\n"
                         "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n");
        } else if (kind == COMPLETION_WORDS) {
            fprintf(out, "        mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\")\n", words);
        }
        fprintf(out, "        return\n        ;;\n");
    }
}

static void print_names(FILE *out)
{
    size_t count;
    const struct command *commands = command_list(&count);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s%s", i ? " " : "", commands[i].name);
    }
}

static void print_words(FILE *out, const struct command *command)
{
    struct options_flag flags[OPTIONS_MOST];
    size_t count = options_flags(command->options, flags);
    const char *words = "";
    fprintf(out, "    %s) words='", command->name);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s--%s", i ? " " : "", flags[i].name);
    }
    if (completion_of(command->argument, &words) == COMPLETION_WORDS) {
        fprintf(out, " %s", words);
    } else if (command->run == command_help) {
        fprintf(out, " ");
        print_names(out);
    }
    fprintf(out, "' ;;\n");
}

void completion_bash(FILE *out)
{
    size_t count;
    const struct command *commands = command_list(&count);
    fprintf(out, "# bash completion of connect-agent: source <(connect-agent completion bash)\n"
                 "_connect_agent() {\n"
                 "    local word=${COMP_WORDS[COMP_CWORD]} words=\n"
                 "    COMPREPLY=()\n"
                 "    case ${COMP_WORDS[COMP_CWORD - 1]} in\n");
    print_arguments(out);
    fprintf(out, "    esac\n"
                 "    if ((COMP_CWORD == 1)); then\n"
                 "        words='");
    print_names(out);
    fprintf(out, "'\n    else\n        case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "    ");
        print_words(out, &commands[i]);
    }
    fprintf(out, "        esac\n"
                 "    fi\n"
                 "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                 "}\n"
                 "complete -F _connect_agent connect-agent\n");
}
