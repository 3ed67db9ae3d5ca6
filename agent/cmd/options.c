#include "cmd/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"

enum { DEFAULT_TIMEOUT_MS = 120000, SHORTEST_TIMEOUT_MS = 1000, OWN_OPTIONS = 15 };

/* Values of getopt_long beyond a character; settings follow FLAG_SETTING in their order. */
enum {
    FLAG_LOG_LEVEL = 256,
    FLAG_LOG_FORMAT,
    FLAG_SANDBOX,
    FLAG_TIMEOUT,
    FLAG_ONLINE,
    FLAG_JSON,
    FLAG_FILE_MODE,
    FLAG_MASK,
    FLAG_SETTING,
};

static const struct options_flag own[OWN_OPTIONS] = {
    {"config", 'c', OPTIONS_TEMPLATE, "FILE",
     "the template (CONNECT_AGENT_TEMPLATE, /etc/connect-agent/template.yaml)"},
    {"config", 'c', OPTIONS_CONNECT, "FILE",
     "take the connect block of this template (CONNECT_AGENT_TEMPLATE, none)"},
    {"online", FLAG_ONLINE, OPTIONS_CHECK, NULL,
     "resolve each reference, and show what became of it"},
    {"json", FLAG_JSON, OPTIONS_CHECK, NULL, "report as JSON on standard output"},
    {"in-file", 'i', OPTIONS_IN, "FILE", "read this file instead of standard input"},
    {"out-file", 'o', OPTIONS_OUT, "FILE", "write this file instead of standard output"},
    {"file-mode", FLAG_FILE_MODE, OPTIONS_OUT, "MODE", "octal mode of that file (0600)"},
    {"force", 'f', OPTIONS_OUT, NULL, "replace that file if it is there"},
    {"no-newline", 'n', OPTIONS_NEWLINE, NULL, "print no line end after the value"},
    {"mask", FLAG_MASK, OPTIONS_COMMAND, NULL,
     "conceal the values in what the command prints; it has no terminal then"},
    {"log-level", FLAG_LOG_LEVEL, OPTIONS_LOG, "LEVEL",
     "error, warn, info or debug (CONNECT_AGENT_LOG_LEVEL)"},
    {"log-format", FLAG_LOG_FORMAT, OPTIONS_LOG, "FORMAT",
     "json or text (CONNECT_AGENT_LOG_FORMAT, text on a terminal)"},
    {"sandbox", FLAG_SANDBOX, OPTIONS_LOG, "SWITCH",
     "on, as far as the kernel can, or off (CONNECT_AGENT_SANDBOX, on)"},
    {"timeout", FLAG_TIMEOUT, OPTIONS_TIMEOUT, "DURATION",
     "give up after this long (CONNECT_AGENT_TIMEOUT, 120s)"},
    {"help", 'h', ~0U, NULL, "show this text"},
};

static bool refuse(struct error *err, const char *origin, const char *value, const char *expected)
{
    return error_set(err, ERROR_USAGE, "%s: \"%s\" is not %s", origin, value, expected);
}

static bool set_level(struct options *options, const char *origin, const char *value,
                      struct error *err)
{
    return log_level_find(str_from(value), &options->log.level) ||
           refuse(err, origin, value, "a level: error, warn, info or debug");
}

static bool set_format(struct options *options, const char *origin, const char *value,
                       struct error *err)
{
    return log_format_find(str_from(value), &options->log.format) ||
           refuse(err, origin, value, "a format: json or text");
}

static bool set_sandbox(struct options *options, const char *origin, const char *value,
                        struct error *err)
{
    options->sandbox_off = strcmp(value, "off") == 0;
    return options->sandbox_off || strcmp(value, "on") == 0 ||
           refuse(err, origin, value, "on or off");
}

static bool set_timeout(struct options *options, const char *origin, const char *value,
                        struct error *err)
{
    uint64_t ms;
    if (!parse_duration(str_from(value), &ms) || ms < SHORTEST_TIMEOUT_MS) {
        return refuse(err, origin, value, "a duration of at least 1s, such as 30s or 2m");
    }
    options->timeout_ms = ms;
    return true;
}

static bool read_environment(struct options *options, struct error *err)
{
    static const struct {
        const char *name;
        bool (*set)(struct options *, const char *, const char *, struct error *);
    } variables[] = {{"CONNECT_AGENT_LOG_LEVEL", set_level},
                     {"CONNECT_AGENT_LOG_FORMAT", set_format},
                     {"CONNECT_AGENT_SANDBOX", set_sandbox},
                     {"CONNECT_AGENT_TIMEOUT", set_timeout}};
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i].name);
        if (value && value[0] && !variables[i].set(options, variables[i].name, value, err)) {
            return false;
        }
    }
    const char *path = getenv("CONNECT_AGENT_TEMPLATE");
    if (path && path[0]) {
        options->template_path = path;
        options->template_given = true;
    }
    return true;
}

static const char *environment(const char *name)
{
    return getenv(name);
}

static void set_defaults(struct options *options, unsigned groups)
{
    *options = (struct options){
        .template_path = "/etc/connect-agent/template.yaml",
        .overrides = {.environment = environment, .variables = environ},
        .log = {.fd = STDERR_FILENO,
                .level = LOG_INFO,
                .format = isatty(STDERR_FILENO) ? LOG_TEXT : LOG_JSON,
                .clock = &clock_system,
                .pod = getenv("CONNECT_AGENT_POD"),
                .namespace = getenv("CONNECT_AGENT_NAMESPACE")},
        .timeout_ms = DEFAULT_TIMEOUT_MS,
        .file_mode = 0600,
    };
    if (groups & OPTIONS_QUIET) {
        options->log.level = LOG_WARN;
        options->log.format = LOG_TEXT;
    }
}

size_t options_flags(unsigned groups, struct options_flag flags[OPTIONS_MOST])
{
    static const char *const arguments[] = {[SETTING_URL] = "URL",
                                            [SETTING_PATH] = "FILE",
                                            [SETTING_DURATION] = "DURATION",
                                            [SETTING_ADDRESS] = "ADDRESS"};
    size_t count = 0;
    for (size_t i = 0; i < OWN_OPTIONS; i++) {
        if (own[i].group & groups || own[i].value == 'h') {
            flags[count++] = own[i];
        }
    }
    for (int i = 0; i < SETTINGS; i++) {
        const struct setting_info *setting = settings_describe((enum setting)i);
        bool connect = (groups & OPTIONS_CONNECT) && strcmp(setting->block, "connect") == 0;
        bool listen = (groups & OPTIONS_LISTEN) && i == SETTING_LISTEN;
        if (!(groups & OPTIONS_SETTINGS) && !connect && !listen) {
            continue;
        }
        flags[count++] =
            (struct options_flag){setting->flag + 2, FLAG_SETTING + i, OPTIONS_SETTINGS,
                                  arguments[setting->type], setting->help};
    }
    return count;
}

/* The tables getopt_long wants, of the groups alone. */
static void list_flags(unsigned groups, struct option longs[OPTIONS_MOST + 1],
                       char letters[2 * OPTIONS_MOST + 2])
{
    struct options_flag flags[OPTIONS_MOST];
    size_t count = options_flags(groups, flags);
    size_t used = 0;
    if (groups & OPTIONS_COMMAND) {
        letters[used++] = '+'; /* what follows is the command's */
    }
    letters[used++] = ':';
    for (size_t i = 0; i < count; i++) {
        bool takes = flags[i].argument != NULL;
        longs[i] = (struct option){flags[i].name, takes ? required_argument : no_argument, NULL,
                                   flags[i].value};
        if (options_has_letter(&flags[i])) {
            letters[used++] = (char)flags[i].value;
            letters[used] = ':';
            used += takes;
        }
    }
    longs[count] = (struct option){0};
    letters[used] = '\0';
}

static bool set_file_mode(struct options *options, const char *value, struct error *err)
{
    return parse_mode(str_from(value), &options->file_mode) ||
           refuse(err, "--file-mode", value, "an octal mode such as 0600");
}

/* Those that are on when given. False when it is none of them. */
static bool switch_on(struct options *options, int value)
{
    const struct {
        int value;
        bool *into;
    } switches[] = {
        {'h', &options->help},  {FLAG_ONLINE, &options->online}, {FLAG_JSON, &options->json},
        {'f', &options->force}, {'n', &options->no_newline},     {FLAG_MASK, &options->mask},
    };
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        if (switches[i].value == value) {
            *switches[i].into = true;
            return true;
        }
    }
    return false;
}

static bool take(struct options *options, int value, const char *argument, struct error *err)
{
    if (switch_on(options, value)) {
        return true;
    }
    switch (value) {
    case 'c':
        options->template_path = argument;
        options->template_given = true;
        return true;
    case 'i':
        options->in_file = argument;
        return true;
    case 'o':
        options->out_file = argument;
        return true;
    case FLAG_FILE_MODE:
        return set_file_mode(options, argument, err);
    case FLAG_LOG_LEVEL:
        return set_level(options, "--log-level", argument, err);
    case FLAG_LOG_FORMAT:
        return set_format(options, "--log-format", argument, err);
    case FLAG_SANDBOX:
        return set_sandbox(options, "--sandbox", argument, err);
    case FLAG_TIMEOUT:
        return set_timeout(options, "--timeout", argument, err);
    default:
        options->overrides.flags[value - FLAG_SETTING] = argument;
        return true;
    }
}

static bool complain(int value, char *argv[], const struct option flags[], struct error *err)
{
    const char *names[OPTIONS_MOST];
    const char *given = argv[optind - 1];
    size_t count = 0;
    if (value == ':') {
        return error_set(err, ERROR_USAGE, "%s needs a value", given);
    }
    while (flags[count].name) {
        names[count] = flags[count].name;
        count++;
    }
    size_t dashes = strspn(given, "-");
    struct str word = str_slice(str_from(given), dashes, str_find(str_from(given), 0, "="));
    const char *nearest = word.size > 1 ? str_suggest(word, names, count) : NULL;
    if (nearest) {
        return error_set(err, ERROR_USAGE, "no option %s; did you mean --%s?", given, nearest);
    }
    return error_set(err, ERROR_USAGE, "no option %s; see `connect-agent help %s`", given, argv[0]);
}

static bool parse_flags(struct options *options, unsigned groups, int argc, char *argv[],
                        struct error *err)
{
    struct option flags[OPTIONS_MOST + 1];
    char letters[2 * OPTIONS_MOST + 2];
    int value;
    list_flags(groups, flags, letters);
    opterr = 0;
    while ((value = getopt_long(argc, argv, letters, flags, NULL)) != -1) {
        if (value == '?' || value == ':') {
            return complain(value, argv, flags, err);
        }
        if (!take(options, value, optarg, err)) {
            return false;
        }
    }
    return true;
}

bool options_parse(struct options *options, unsigned groups, int argc, char *argv[],
                   struct error *err)
{
    set_defaults(options, groups);
    if (!read_environment(options, err) || !parse_flags(options, groups, argc, argv, err)) {
        return false;
    }
    if (groups & OPTIONS_COMMAND) {
        options->command = argv + optind;
        return (optind < argc && argv[optind][0]) || options->help ||
               error_set(err, ERROR_USAGE, "no command given: connect-agent exec -- COMMAND");
    }
    if (optind < argc && (groups & OPTIONS_ARGUMENT)) {
        options->argument = argv[optind++];
    }
    if (optind < argc) {
        return error_set(err, ERROR_USAGE, "unexpected argument \"%s\"", argv[optind]);
    }
    return true;
}

void options_print(unsigned groups)
{
    struct options_flag flags[OPTIONS_MOST];
    size_t count = options_flags(groups, flags);
    for (size_t i = 0; i < count; i++) {
        char left[64];
        char letter[8] = "    ";
        const char *argument = flags[i].argument;
        if (options_has_letter(&flags[i])) {
            snprintf(letter, sizeof(letter), "-%c, ", flags[i].value);
        }
        snprintf(left, sizeof(left), "%s--%s%s%s", letter, flags[i].name, argument ? " " : "",
                 argument ? argument : "");
        printf("  %-36s %s", left, flags[i].help);
        if (flags[i].group == OPTIONS_SETTINGS) {
            printf(" (%s)", settings_describe((enum setting)(flags[i].value - FLAG_SETTING))->env);
        }
        printf("\n");
    }
}
