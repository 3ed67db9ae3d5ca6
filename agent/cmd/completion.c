#include "cmd/completion.h"

#include <string.h>
#include <sysexits.h>

#include "cmd/command.h"

enum completion_kind completion_of(const char *argument, const char **ret_words)
{
    static const struct {
        const char *argument;
        const char *words;
    } words[] = {{"LEVEL", "error warn info debug"},
                 {"FORMAT", "json text"},
                 {"SHELL", "bash zsh fish"},
                 {"QUESTION", "startup ready live"}};
    if (!argument) {
        return COMPLETION_NOTHING;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].argument, argument) == 0) {
            *ret_words = words[i].words;
            return COMPLETION_WORDS;
        }
    }
    return strcmp(argument, "FILE") == 0 ? COMPLETION_FILE : COMPLETION_OTHER;
}

int command_completion(const struct options *options)
{
    static const struct {
        const char *shell;
        void (*print)(FILE *out);
    } shells[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};
    for (size_t i = 0; options->argument && i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(shells[i].shell, options->argument) == 0) {
            shells[i].print(stdout);
            return EX_OK;
        }
    }
    fprintf(stderr, "connect-agent completion: name a shell: bash, zsh or fish\n");
    return EX_USAGE;
}
