#include "cmd/command.h"
#include "cmd/completion.h"

/* In single quotes. */
static void print_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') {
            fputc('\\', out);
        }
        fputc(*text, out);
    }
    fputc('\'', out);
}

static void print_flag(FILE *out, const struct command *command, const struct options_flag *flag)
{
    const char *words = "";
    fprintf(out, "complete -c connect-agent -n '__fish_seen_subcommand_from %s' -l %s",
            command->name, flag->name);
    if (options_has_letter(flag)) {
        fprintf(out, " -s %c", flag->value);
    }
    switch (completion_of(flag->argument, &words)) {
    case COMPLETION_NOTHING:
        break;
    case COMPLETION_FILE:
        fprintf(out, " -r -F");
        break;
    case COMPLETION_WORDS:
        fprintf(out, " -x -a '%s'", words);
        break;
    case COMPLETION_OTHER:
        fprintf(out, " -x");
        break;
    }
    fprintf(out, " -d ");
    print_quoted(out, flag->help);
    fputc('\n', out);
}

static void print_words(FILE *out, const struct command *command)
{
    const char *words = "";
    size_t count;
    const struct command *commands = command_list(&count);
    bool some = completion_of(command->argument, &words) == COMPLETION_WORDS;
    if (!some && command->run != command_help) {
        return;
    }
    fprintf(out, "complete -c connect-agent -n '__fish_seen_subcommand_from %s' -a '%s",
            command->name, words);
    for (size_t i = 0; !some && i < count; i++) {
        fprintf(out, "%s%s", i ? " " : "", commands[i].name);
    }
    fprintf(out, "'\n");
}

void completion_fish(FILE *out)
{
    size_t count;
    const struct command *commands = command_list(&count);
    fprintf(out, "# fish completion of connect-agent: connect-agent completion fish | source\n"
                 "complete -c connect-agent -f\n");
    for (size_t i = 0; i < count; i++) {
        struct options_flag flags[OPTIONS_MOST];
        size_t flags_count = options_flags(commands[i].options, flags);
        fprintf(out, "complete -c connect-agent -n __fish_use_subcommand -a %s -d ",
                commands[i].name);
        print_quoted(out, commands[i].summary);
        fputc('\n', out);
        for (size_t j = 0; j < flags_count; j++) {
            print_flag(out, &commands[i], &flags[j]);
        }
        print_words(out, &commands[i]);
    }
}
