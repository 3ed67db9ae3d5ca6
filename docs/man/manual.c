/* manual VERSION DATE FROM TO: makes a manual page. Copies its source, and puts in place of a line
 * "@NAME@" what the program's own tables say: the page cannot tell of what is not there. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cmd/command.h"
#include "config/config.h"
#include "model/filter.h"

/* Text that roff takes for nothing but text. */
static void put(const char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at == '-') {
            fputs("\\-", stdout);
        } else if (*at == '\\') {
            fputs("\\e", stdout);
        } else if (at == text && (*at == '.' || *at == '\'')) {
            printf("\\&%c", *at);
        } else {
            putchar(*at);
        }
    }
}

static void put_item(const char *name, const char *text)
{
    printf(".TP\n.B ");
    put(name);
    putchar('\n');
    put(text);
    putchar('\n');
}

/* --- connect-agent(1) --- */

static void put_flag(const struct options_flag *flag)
{
    printf(".TP\n.B ");
    if (options_has_letter(flag)) {
        printf("\\-%c\\fR, \\fB", flag->value);
    }
    printf("\\-\\-");
    put(flag->name);
    if (flag->argument) {
        printf(" \\fI%s\\fR", flag->argument);
    }
    putchar('\n');
    put(flag->help);
    putchar('\n');
}

/* The settings have a section of their own, and --help is everywhere. */
static void put_flags(const struct options_flag flags[], size_t count)
{
    const char *begin = ".RS\n";
    const char *end = "";
    for (size_t i = 0; i < count; i++) {
        if (flags[i].group != OPTIONS_SETTINGS && flags[i].value != 'h') {
            fputs(begin, stdout);
            put_flag(&flags[i]);
            begin = "";
            end = ".RE\n";
        }
    }
    fputs(end, stdout);
}

static void put_commands(void)
{
    size_t count;
    const struct command *commands = command_list(&count);
    for (size_t i = 0; i < count; i++) {
        struct options_flag flags[OPTIONS_MOST];
        size_t flags_count = options_flags(commands[i].options, flags);
        printf(".SS connect\\-agent %s", commands[i].name);
        printf("%s%s\n", commands[i].argument ? " " : "",
               commands[i].argument ? commands[i].argument : "");
        put(commands[i].summary);
        printf(".\n");
        put_flags(flags, flags_count);
    }
}

static void put_settings(void)
{
    for (int i = 0; i < SETTINGS; i++) {
        const struct setting_info *setting = settings_describe((enum setting)i);
        printf(".TP\n.BR ");
        put(setting->flag);
        printf(" \", \" %s \", \" %s%s%s\n", setting->env, setting->block,
               setting->block[0] ? "." : "", setting->key);
        put(setting->help);
        putchar('\n');
    }
}

static void put_exits(void)
{
    for (int status = 1; status < 128; status++) {
        int count = 0;
        for (int i = 1; i < ERROR_CODES; i++) {
            const struct error_class *class = error_describe((enum error_code)i);
            if (class->exit_status != status) {
                continue;
            }
            if (count++ == 0) {
                printf(".TP\n.B %d\n", status);
            }
            printf("%s", count > 1 ? ", " : "");
            put(class->label);
        }
        printf("%s", count > 0 ? "\n" : "");
    }
}

/* --- connect-agent-template(5) --- */

static void put_keys(const struct shape *shape);

static void put_key(const struct key *key)
{
    printf(".TP\n.BR ");
    put(key->name);
    printf("%s\n", key->rule == KEY_REQUIRED ? " \" (required)\"" : "");
    put(key->help);
    for (size_t i = 0; key->shape->kind == SHAPE_NAME && key->shape->name(i); i++) {
        printf("%s \\fB%s\\fR", i ? "," : ":", key->shape->name(i));
    }
    putchar('\n');
    put_keys(key->shape);
}

static void put_keys(const struct shape *shape)
{
    struct key settings[SETTINGS];
    const struct key *keys = shape->keys;
    size_t count = shape->keys_count;
    if (shape->kind == SHAPE_SETTINGS) {
        count = config_block_keys(shape->block, settings);
        keys = settings;
    } else if (shape->kind == SHAPE_LIST || shape->kind == SHAPE_MAP) {
        put_keys(shape->element);
        return;
    }
    if (count == 0) {
        return;
    }
    printf(".RS\n");
    for (size_t i = 0; i < count; i++) {
        put_key(&keys[i]);
    }
    printf(".RE\n");
}

static void put_template(void)
{
    const struct shape *shape = config_shape();
    for (size_t i = 0; i < shape->keys_count; i++) {
        put_key(&shape->keys[i]);
    }
}

static void put_filters(void)
{
    for (int i = 0; i < FILTERS; i++) {
        put_item(filter_name((enum filter)i), filter_help((enum filter)i));
    }
}

/* Does the line name a table? Then it is written. */
static bool put_table(const char *line)
{
    static const struct {
        const char *name;
        void (*put)(void);
    } tables[] = {{"@COMMANDS@\n", put_commands},
                  {"@SETTINGS@\n", put_settings},
                  {"@EXITS@\n", put_exits},
                  {"@KEYS@\n", put_template},
                  {"@FILTERS@\n", put_filters}};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (strcmp(line, tables[i].name) == 0) {
            tables[i].put();
            return true;
        }
    }
    return false;
}

int main(int argc, char *argv[])
{
    char line[1024];
    if (argc != 5 || !freopen(argv[3], "r", stdin) || !freopen(argv[4], "w", stdout)) {
        fprintf(stderr, "usage: manual VERSION DATE FROM TO\n");
        return 64;
    }
    while (fgets(line, sizeof(line), stdin)) {
        char name[32];
        if (sscanf(line, "@TITLE@ %31s", name) == 1) {
            printf(".TH %s \"%s\" \"connect\\-agent %s\"\n",
                   strcmp(name, "1") == 0 ? "CONNECT\\-AGENT 1" : "CONNECT\\-AGENT\\-TEMPLATE 5",
                   argv[2], argv[1]);
        } else if (line[0] != '@') {
            fputs(line, stdout);
        } else if (!put_table(line)) {
            fprintf(stderr, "manual: no table %s", line);
            return 65;
        }
    }
    return fflush(stdout) == 0 ? 0 : 74;
}
