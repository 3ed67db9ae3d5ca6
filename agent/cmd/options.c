#include "cmd/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"

enum { DEFAULT_TIMEOUT_MS = 120000, SHORTEST_TIMEOUT_MS = 1000, OWN_OPTIONS = 5 };

/* Values of getopt_long beyond a character; settings follow FLAG_SETTING in their order. */
enum { FLAG_LOG_LEVEL = 256, FLAG_LOG_FORMAT, FLAG_TIMEOUT, FLAG_SETTING };

struct flag {
    const char *name;
    int value;
    unsigned group;
    const char *argument; /* null: takes none */
    const char *help;
};

static const struct flag own[OWN_OPTIONS] = {
    {"config", 'c', OPTIONS_TEMPLATE, "FILE",
     "the template, also -c (CONNECT_AGENT_TEMPLATE, /etc/connect-agent/template.yaml)"},
    {"log-level", FLAG_LOG_LEVEL, OPTIONS_LOG, "LEVEL",
     "error, warn, info or debug (CONNECT_AGENT_LOG_LEVEL, info)"},
    {"log-format", FLAG_LOG_FORMAT, OPTIONS_LOG, "FORMAT",
     "json or text (CONNECT_AGENT_LOG_FORMAT, text on a terminal)"},
    {"timeout", FLAG_TIMEOUT, OPTIONS_TIMEOUT, "DURATION",
     "give up after this long (CONNECT_AGENT_TIMEOUT, 120s)"},
    {"help", 'h',
     OPTIONS_TEMPLATE | OPTIONS_SETTINGS | OPTIONS_LOG | OPTIONS_TIMEOUT | OPTIONS_ARGUMENT, NULL,
     "show this text"},
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
    }
    return true;
}

static const char *environment(const char *name)
{
    return getenv(name);
}

static void set_defaults(struct options *options)
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
    };
}

/* The table getopt_long wants, of the groups alone. */
static void list_flags(unsigned groups, struct option flags[OWN_OPTIONS + SETTINGS + 1])
{
    size_t count = 0;
    for (size_t i = 0; i < OWN_OPTIONS; i++) {
        if (own[i].group & groups || own[i].value == 'h') {
            flags[count++] = (struct option){
                own[i].name, own[i].argument ? required_argument : no_argument, NULL, own[i].value};
        }
    }
    for (int i = 0; i < SETTINGS && (groups & OPTIONS_SETTINGS); i++) {
        flags[count++] = (struct option){settings_describe((enum setting)i)->flag + 2,
                                         required_argument, NULL, FLAG_SETTING + i};
    }
    flags[count] = (struct option){0};
}

static bool take(struct options *options, int value, const char *argument, struct error *err)
{
    switch (value) {
    case 'c':
        options->template_path = argument;
        return true;
    case 'h':
        options->help = true;
        return true;
    case FLAG_LOG_LEVEL:
        return set_level(options, "--log-level", argument, err);
    case FLAG_LOG_FORMAT:
        return set_format(options, "--log-format", argument, err);
    case FLAG_TIMEOUT:
        return set_timeout(options, "--timeout", argument, err);
    default:
        options->overrides.flags[value - FLAG_SETTING] = argument;
        return true;
    }
}

static bool complain(int value, char *argv[], const struct option flags[], struct error *err)
{
    const char *names[OWN_OPTIONS + SETTINGS];
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
    const char *nearest = str_suggest(word, names, count);
    if (nearest) {
        return error_set(err, ERROR_USAGE, "no option %s; did you mean --%s?", given, nearest);
    }
    return error_set(err, ERROR_USAGE, "no option %s; see `connect-agent help %s`", given, argv[0]);
}

static bool parse_flags(struct options *options, unsigned groups, int argc, char *argv[],
                        struct error *err)
{
    struct option flags[OWN_OPTIONS + SETTINGS + 1];
    const char *letters = groups & OPTIONS_TEMPLATE ? "+:hc:" : "+:h";
    int value;
    list_flags(groups, flags);
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
    set_defaults(options);
    if (!read_environment(options, err) || !parse_flags(options, groups, argc, argv, err)) {
        return false;
    }
    if (optind < argc && (groups & OPTIONS_ARGUMENT)) {
        options->argument = argv[optind++];
    }
    if (optind < argc) {
        return error_set(err, ERROR_USAGE, "unexpected argument \"%s\"", argv[optind]);
    }
    return true;
}

static void print_flag(const char *name, const char *argument, const char *help)
{
    char left[64];
    snprintf(left, sizeof(left), "%s%s%s", name, argument ? " " : "", argument ? argument : "");
    printf("  %-32s %s\n", left, help);
}

void options_print(unsigned groups)
{
    char name[32];
    for (size_t i = 0; i < OWN_OPTIONS; i++) {
        if (own[i].group & groups) {
            snprintf(name, sizeof(name), "--%s", own[i].name);
            print_flag(name, own[i].argument, own[i].help);
        }
    }
    for (int i = 0; i < SETTINGS && (groups & OPTIONS_SETTINGS); i++) {
        const struct setting_info *setting = settings_describe((enum setting)i);
        char help[192];
        snprintf(help, sizeof(help), "%s (%s)", setting->help, setting->env);
        print_flag(setting->flag, "VALUE", help);
    }
}
