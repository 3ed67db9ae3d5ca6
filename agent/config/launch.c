#include "config/launch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "config/file.h"
#include "config/hook.h"

#define SECOND ((uint64_t)1000)

static bool decode_env(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct launch *launch = into;
    bool ok = file_decode_variables(decoder, node, &launch->environment);
    launch->environment.kind = FILE_ENVIRONMENT;
    return ok;
}

static bool decode_reaction(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    static const char prefix[] = "signal:";
    struct launch *launch = into;
    struct str text;
    if (!decode_scalar(decoder, node, "restart, signal:NAME or none", &text)) {
        return false;
    }
    if (str_is(text, "restart")) {
        launch->reaction = LAUNCH_RESTART;
    } else if (str_is(text, "none")) {
        launch->reaction = LAUNCH_NOTHING;
    } else if (str_starts(text, prefix) &&
               hook_find_signal(str_slice(text, strlen(prefix), text.size), &launch->signal)) {
        launch->reaction = LAUNCH_SIGNAL;
    } else {
        return decode_fail(decoder, node,
                           "expected restart, none, or signal: and a name such as signal:HUP; "
                           "found \"%.64s\"",
                           text.bytes);
    }
    return true;
}

static bool decode_grace(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    static const struct duration_limits limits = {0, 3600 * SECOND, "up to 1h"};
    struct launch *launch = into;
    return decode_duration(decoder, node, &limits, &launch->grace_ms);
}

static const struct shape reaction_shape = {.kind = SHAPE_SCALAR,
                                            .expected = "restart, signal:NAME or none",
                                            .pattern =
                                                "^restart$|^none$|^signal:" HOOK_SIGNAL_NAMES "$"};

static const struct key keys[] = {
    {"env", KEY_OPTIONAL, "variables for the command, beside those connect-agent has",
     &variables_shape, decode_env},
    {"onChange", KEY_OPTIONAL, "restart (default), signal:NAME, or none", &reaction_shape,
     decode_reaction},
    {"grace", KEY_OPTIONAL, "from SIGTERM to SIGKILL, 10s", &shape_duration, decode_grace},
};

const struct shape launch_shape = {
    .kind = SHAPE_MAPPING,
    .expected = "what a command is run with",
    .keys = keys,
    .keys_count = sizeof(keys) / sizeof(keys[0]),
};

bool launch_decode(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct launch *launch = &decoder->template->launch;
    struct references *kept = decoder->references;
    struct references unused;
    (void)into;
    references_init(&unused);
    decoder->references = launch->counts ? kept : &unused;
    bool ok = decode_mapping(decoder, node, &launch_shape, launch);
    decoder->references = kept;
    references_done(&unused);
    if (!launch->counts) {
        file_done(&launch->environment);
        launch->environment = (struct file){.kind = FILE_ENVIRONMENT};
    }
    return ok;
}

/* --- references in the process's own environment --- */

static bool is_named(const struct file *environment, struct str name)
{
    for (size_t i = 0; i < environment->variables_count; i++) {
        if (str_is(name, environment->variables[i].name)) {
            return true;
        }
    }
    return false;
}

static struct place nowhere(void *context, size_t at)
{
    (void)context;
    (void)at;
    return (struct place){.line = 0};
}

/* Fills the zeroed variable. */
static bool set_variable(struct decoder *decoder, struct variable *variable, struct str name,
                         struct str value)
{
    struct text_context context = {
        TEXT_WHOLE, {nowhere, NULL}, decoder->references, decoder->environment};
    struct place place;
    struct error error;
    if (!variable_set_name(variable, name)) {
        error_set(&error, ERROR_MEMORY, "out of memory");
    } else if (text_parse(value, &context, &variable->value.text, &place, &error)) {
        return true;
    }
    error_wrap(&error, "environment variable %.*s", (int)name.size, name.bytes);
    return findings_add(decoder->findings, (struct place){.line = 0}, &error);
}

/* Room for all that the environment may add. */
static bool make_room(struct decoder *decoder)
{
    struct file *environment = &decoder->template->launch.environment;
    size_t count = environment->variables_count + 1;
    for (char *const *at = decoder->environment; at && *at; at++) {
        count++;
    }
    struct variable *variables = calloc(count, sizeof(*variables));
    if (!variables) {
        return findings_format(decoder->findings, (struct place){.line = 0}, ERROR_MEMORY,
                               "out of memory");
    }
    if (environment->variables) {
        memcpy(variables, environment->variables,
               environment->variables_count * sizeof(*variables));
    }
    free(environment->variables);
    environment->variables = variables;
    return true;
}

bool launch_add_environment(struct decoder *decoder)
{
    struct file *environment = &decoder->template->launch.environment;
    bool ok = make_room(decoder);
    for (char *const *at = decoder->environment; ok && at && *at; at++) {
        struct str entry = str_from(*at);
        size_t equals = str_find(entry, 0, "=");
        struct str name = str_slice(entry, 0, equals);
        size_t from = equals < entry.size ? equals + 1 : entry.size;
        struct str value = str_slice(entry, from, entry.size);
        if (str_starts(value, "op://") && !is_named(environment, name)) {
            ok = set_variable(decoder, &environment->variables[environment->variables_count++],
                              name, value);
        }
    }
    return ok;
}
