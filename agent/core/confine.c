#include "core/confine.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/wishes.h"
#include "io/process.h"

#ifdef AGENT_INSTRUMENTED
static const bool instrumented = true;
#else
static const bool instrumented = false;
#endif

/* --- going in --- */

struct entering {
    const struct confine_options *options;
    struct sandbox *sandbox;
    struct error error;
};

static bool grant(void *context, const char *path, unsigned rights, const struct place *place)
{
    struct entering *entering = context;
    (void)place;
    return sandbox_allow(entering->sandbox, path, rights, &entering->error);
}

static bool wish_all(const struct wishes *wishes, const struct confine_options *options)
{
    return wishes_of_system(wishes) && wishes_of(wishes, options->template, options->life) &&
           (!options->out_file || wishes_of_output_file(wishes, options->out_file));
}

static void tell_rules(const struct confine_options *options, const struct sandbox *sandbox)
{
    for (size_t i = 0; i < sandbox->count; i++) {
        const struct sandbox_rule *rule = &sandbox->rules[i];
        bool all = strcmp(rule->path, "/") == 0;
        log_write(options->log, all ? LOG_WARN : LOG_DEBUG,
                  rule->rights & SANDBOX_WRITE ? "the sandbox lets it be written"
                                               : "the sandbox lets it be read",
                  log_text(LOG_KEY_FILE, rule->path),
                  log_text(LOG_KEY_REASON,
                           all ? "of a path that is needed not even the first directory is there"
                               : NULL));
    }
}

/* Why there is none, or null. */
static const char *excuse(const struct confine_options *options)
{
    if (instrumented) {
        return "built with a sanitizer or for coverage, which write files of their own";
    }
    return options->is_off ? "switched off (--sandbox)" : NULL;
}

static bool names_descriptor(const char *path)
{
    return path && (strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/self/fd/", 14) == 0);
}

/* What we inherited and nobody named is nothing that we want. */
static void close_inherited(const struct confine_options *options, const struct commands *commands)
{
    const struct settings *settings = &options->template->settings;
    if (!names_descriptor(options->out_file) && !names_descriptor(options->template->path) &&
        !names_descriptor(settings->token_file) && !names_descriptor(settings->ca_file) &&
        !names_descriptor(settings->client_cert_file) &&
        !names_descriptor(settings->client_key_file)) {
        process_close_inherited(commands_descriptor(commands));
    }
}

bool confine_holds(const struct sandbox *sandbox)
{
    return sandbox->landlock > 0 || sandbox->calls != CALLS_ANY;
}

/* One line. A person who asks for one value does not want to hear of it. */
static void tell(const struct confine_options *options, const struct sandbox *sandbox,
                 const char *reason)
{
    bool whole = sandbox->landlock > 0 && sandbox->calls != CALLS_ANY;
    bool wanted = options->life != WISHES_PREVIEW && !options->is_off && !instrumented;
    log_write(options->log, whole || !wanted ? LOG_INFO : LOG_WARN,
              whole                    ? "sandboxed"
              : confine_holds(sandbox) ? "sandboxed in part"
                                       : "not sandboxed",
              log_number(LOG_KEY_LANDLOCK, sandbox->landlock),
              log_text(LOG_KEY_SECCOMP, calls_name(sandbox->calls)),
              log_text(LOG_KEY_REASON, reason));
}

/* As far as it goes. */
static void enter(const struct confine_options *options, const struct commands *commands,
                  struct sandbox *ret_sandbox)
{
    struct entering entering = {.options = options, .sandbox = ret_sandbox};
    const struct wishes wishes = {&entering, grant, true};
    const char *reason = excuse(options);
    close_inherited(options, commands);
    if (!reason) {
        ret_sandbox->signals =
            commands || wishes_need(options->template, options->life, WISHES_SIGNAL);
        bool ok = wish_all(&wishes, options) && sandbox_enter(ret_sandbox, &entering.error);
        reason = !ok                          ? entering.error.message
                 : ret_sandbox->landlock == 0 ? "this kernel has no Landlock, or it is switched off"
                 : ret_sandbox->calls == CALLS_ANY ? "this kernel has no seccomp filters"
                                                   : NULL;
    }
    tell(options, ret_sandbox, reason);
    if (ret_sandbox->landlock > 0) {
        tell_rules(options, ret_sandbox);
    }
}

static bool open_commands(const struct confine_options *options, struct commands **commands,
                          struct error *err)
{
    const struct commands_options wanted = {
        .template = options->template, .path = options->path, .overrides = options->overrides};
    return *commands || commands_open(&wanted, commands, err);
}

bool confine_enter(const struct confine_options *options, struct commands **commands,
                   struct sandbox *ret_sandbox, struct error *err)
{
    sandbox_init(ret_sandbox);
    if (wishes_need_broker(options->template, options->life) &&
        !open_commands(options, commands, err)) {
        return false;
    }
    enter(options, *commands, ret_sandbox);
    return options->life != WISHES_LASTING || confine_holds(ret_sandbox) ||
           open_commands(options, commands, err);
}

/* --- a template that comes later --- */

struct checking {
    const struct sandbox *sandbox;
    struct findings *findings;
    bool ok;
};

#define RESTART                                                                                    \
    "outside of the sandbox that was made for the template before; restart connect-agent"

/* What is not there yet is made in what is. */
static bool is_allowed(const struct sandbox *sandbox, const char *path, unsigned rights)
{
    char at[PATH_MAX];
    snprintf(at, sizeof(at), "%s", path);
    while (access(at, F_OK) < 0 && strrchr(at, '/') && strrchr(at, '/') != at) {
        *strrchr(at, '/') = '\0';
    }
    return sandbox_allows(sandbox, at, rights);
}

static bool require(void *context, const char *path, unsigned rights, const struct place *place)
{
    struct checking *checking = context;
    if (!is_allowed(checking->sandbox, path, rights)) {
        checking->ok =
            findings_format(checking->findings, *place, ERROR_TEMPLATE, "%s: " RESTART, path);
    }
    return true; /* all of them */
}

static bool check_hooks(const struct sandbox *sandbox, const struct commands *commands,
                        const struct template *template, struct findings *findings)
{
    bool command = !commands && wishes_need(template, WISHES_LASTING, WISHES_COMMAND);
    bool exe = !commands && wishes_need(template, WISHES_LASTING, WISHES_EXE);
    bool refused = sandbox->landlock >= SANDBOX_SIGNALS_FROM || sandbox->calls == CALLS_LISTED;
    bool signals =
        refused && !sandbox->signals && wishes_need(template, WISHES_LASTING, WISHES_SIGNAL);
    return (!command && !exe && !signals) ||
           findings_format(findings, (struct place){.line = 0}, ERROR_TEMPLATE,
                           "a hook that %s is " RESTART,
                           command ? "runs a command"
                           : exe   ? "looks for exe:"
                                   : "sends a signal");
}

bool confine_check(const struct sandbox *sandbox, const struct commands *commands,
                   const struct template *template, struct findings *findings)
{
    struct checking checking = {sandbox, findings, true};
    const struct wishes wishes = {&checking, require, false};
    if (!confine_holds(sandbox)) {
        return true;
    }
    (void)wishes_of(&wishes, template, WISHES_LASTING);
    return check_hooks(sandbox, commands, template, findings) && checking.ok;
}
