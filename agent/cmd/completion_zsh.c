#include <string.h>

#include "cmd/command.h"
#include "cmd/completion.h"

/* In single quotes, with a backslash before what means something to _arguments and _describe. */
static void print_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'') {
            fputs("'\\''", out);
            continue;
        }
        if (strchr("[]:\\", *text)) {
            fputc('\\', out);
        }
        fputc(*text, out);
    }
}

static void print_argument(FILE *out, const char *argument)
{
    const char *words = "";
    switch (completion_of(argument, &words)) {
    case COMPLETION_NOTHING:
        break;
    case COMPLETION_FILE:
        fprintf(out, ":%s:_files", argument);
        break;
    case COMPLETION_WORDS:
        fprintf(out, ":%s:(%s)", argument, words);
        break;
    case COMPLETION_OTHER:
        fprintf(out, ":%s: ", argument);
        break;
    }
}

static void print_flag(FILE *out, const struct options_flag *flag)
{
    if (options_has_letter(flag)) {
        fprintf(out, " \\\n            '(-%c --%s)'{-%c,--%s}'[", flag->value, flag->name,
                flag->value, flag->name);
    } else {
        fprintf(out, " \\\n            '--%s[", flag->name);
    }
    print_text(out, flag->help);
    fputc(']', out);
    print_argument(out, flag->argument);
    fputc('\'', out);
}

static void print_command(FILE *out, const struct command *command)
{
    struct options_flag flags[OPTIONS_MOST];
    size_t count = options_flags(command->options, flags);
    fprintf(out, "    %s)\n        _arguments -s", command->name);
    for (size_t i = 0; i < count; i++) {
        print_flag(out, &flags[i]);
    }
    if (command->run == command_help) {
        fprintf(out, " \\\n            '1:COMMAND:{_describe command commands}'");
    } else if (command->argument) {
        fprintf(out, " \\\n            '1");
        print_argument(out, command->argument);
        fputc('\'', out);
    }
    fprintf(out, "\n        ;;\n");
}

void completion_zsh(FILE *out)
{
    size_t count;
    const struct command *commands = command_list(&count);
    fprintf(out, "#compdef connect-agent\n"
                 "# zsh completion of connect-agent: source <(connect-agent completion zsh)\n"
                 "_connect_agent() {\n"
                 "    local -a commands\n"
                 "    commands=(\n");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "        '%s:", commands[i].name);
        print_text(out, commands[i].summary);
        fprintf(out, "'\n");
    }
    fprintf(out, "    )\n"
                 "    if ((CURRENT == 2)); then\n"
                 "        _describe command commands\n"
                 "        return\n"
                 "    fi\n"
                 "    shift words\n"
                 "    ((CURRENT--))\n"
                 "    case $words[1] in\n");
    for (size_t i = 0; i < count; i++) {
        print_command(out, &commands[i]);
    }
    fprintf(out, "    esac\n"
                 "}\n"
                 "if [ \"$funcstack[1]\" = _connect_agent ]; then\n"
                 "    _connect_agent \"$@\"\n"
                 "else\n"
                 "    compdef _connect_agent connect-agent\n"
                 "fi\n");
}
