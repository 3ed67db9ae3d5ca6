#include "core/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "config/config.h"
#include "io/spawn.h"
#include "reload/explain.h"
#include "reload/invocation.h"
#include "reload/process.h"

enum { HOOK_STRINGS = 3, SIGNAL_STRINGS = 2 }; /* at least, exactly */

static void free_pointers(char ***strings)
{
    free(*strings);
}
#define STRINGS_AUTO __attribute__((cleanup(free_pointers))) char **

/* The strings of the text, ended by null; they point into it. Null when it is none, or without
 * memory. */
static char **split(struct secret *secret, size_t *ret_count, struct error *err)
{
    struct str text = secret_str(secret);
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += text.bytes[i] == '\0';
    }
    char **strings = calloc(count + 1, sizeof(char *));
    if (!strings || (text.size > 0 && text.bytes[text.size - 1] != '\0')) {
        free(strings);
        error_set(err, ERROR_SYSTEM, strings ? "the broker was asked nonsense" : "out of memory");
        return NULL;
    }
    char *at = secret_bytes(secret);
    for (size_t i = 0; i < count; i++, at += strlen(at) + 1) {
        strings[i] = at;
    }
    *ret_count = count;
    return strings;
}

static bool refuse_hook(struct error *err)
{
    return error_set(err, ERROR_HOOK,
                     "the broker does not start what its template does not name; it may have "
                     "changed meanwhile");
}

/* --- hooks --- */

static bool is_same_command(char *const *a, char *const *b)
{
    size_t i = 0;
    while (a[i] && b[i] && strcmp(a[i], b[i]) == 0) {
        i++;
    }
    return !a[i] && !b[i];
}

static const struct hook *find_in(const struct hook *list, size_t count, char *const *command)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].kind == HOOK_EXEC && is_same_command(list[i].command, command)) {
            return &list[i];
        }
    }
    return NULL;
}

/* The output's own, or one in it. */
static bool is_within(const char *directory, const struct output *output)
{
    size_t size = strlen(output->directory);
    if (strncmp(directory, output->directory, size) != 0) {
        return false;
    }
    const char *name = directory + size;
    return !*name || (name[0] == '/' && name[1] && !strchr(name + 1, '/') &&
                      strcmp(name, "/.") != 0 && strcmp(name, "/..") != 0);
}

static const struct hook *find_hook(const struct template *template, const char *directory,
                                    char *const *command)
{
    const struct hook *found = NULL;
    for (size_t i = 0; !found && i < template->outputs_count; i++) {
        const struct output *output = &template->outputs[i];
        if (is_within(directory, output)) {
            found = find_in(output->before_publish, output->before_publish_count, command);
            found = found ? found : find_in(output->on_change, output->on_change_count, command);
        }
    }
    return found;
}

/* In words that say what to do; always false. */
static bool explain(const char *program, int number, struct error *err)
{
    explain_start(program, number, err);
    if (number == ENOENT) {
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof(err->message) - used,
                 ". To reach another container use signal: or http:");
    }
    return false;
}

static bool start_hook(const struct invocation *invocation, int output, pid_t *ret_pid,
                       struct error *err)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0) {
        return error_set_errno(err, ERROR_HOOK, errno, "/dev/null");
    }
    const struct spawn spawn = {.arguments = invocation->arguments,
                                .environment = invocation->environment,
                                .descriptors = {nothing, output, output},
                                .is_bare = true,
                                .own_group = true,
                                .sibling = true};
    int number = spawn_start(&spawn, ret_pid);
    close(nothing);
    return number == 0 || explain(invocation->arguments[0], number, err);
}

bool policy_run_hook(const struct policy *policy, struct secret *text, int output, pid_t *ret_pid,
                     struct error *err)
{
    size_t count;
    uint64_t generation;
    struct invocation invocation;
    STRINGS_AUTO strings = split(text, &count, err);
    if (!strings) {
        return false;
    }
    const struct hook *hook =
        count >= HOOK_STRINGS && parse_number(str_from(strings[1]), UINT64_MAX, &generation)
            ? find_hook(policy->template, strings[0], strings + 2)
            : NULL;
    if (!hook) {
        return refuse_hook(err);
    }
    if (!invocation_init(&invocation, hook, strings[0], strings[1], err)) {
        return false;
    }
    bool ok = start_hook(&invocation, output, ret_pid, err);
    invocation_done(&invocation);
    return ok;
}

static bool names_program(const struct hook *list, size_t count, const char *exe, uint64_t signal)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].exe && strcmp(list[i].exe, exe) == 0 && (uint64_t)list[i].signal == signal) {
            return true;
        }
    }
    return false;
}

static bool is_own_program(const char *exe)
{
    char own[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
    return size > 0 && strncmp(own, exe, (size_t)size) == 0 && exe[size] == '\0';
}

bool policy_signal(const struct policy *policy, struct secret *text, struct error *err)
{
    size_t count, ignored;
    uint64_t signal = 0;
    bool named = false;
    STRINGS_AUTO strings = split(text, &count, err);
    if (!strings) {
        return false;
    }
    bool sound = count == SIGNAL_STRINGS && parse_number(str_from(strings[1]), INT_MAX, &signal);
    for (size_t i = 0; sound && i < policy->template->outputs_count; i++) {
        const struct output *output = &policy->template->outputs[i];
        named =
            named || names_program(output->on_change, output->on_change_count, strings[0], signal);
    }
    if (!named) {
        return refuse_hook(err);
    }
    if (is_own_program(strings[0])) {
        return error_set(err, ERROR_HOOK, "%s is connect-agent itself", strings[0]);
    }
    const struct hook hook = {.kind = HOOK_SIGNAL, .exe = strings[0], .signal = (int)signal};
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0) {
        return error_set_errno(err, ERROR_HOOK, errno, "/proc cannot be read");
    }
    bool ok = process_signal(proc, &hook, &ignored, err);
    close(proc);
    return ok;
}

/* --- the command --- */

static bool names_same(const char *entry, const char *other)
{
    size_t size = strcspn(entry, "=");
    return strncmp(entry, other, size) == 0 && other[size] == '=';
}

static bool is_named(const struct file *environment, const char *entry)
{
    size_t size = strcspn(entry, "=");
    for (size_t i = 0; i < environment->variables_count; i++) {
        const char *name = environment->variables[i].name;
        if (strncmp(entry, name, size) == 0 && name[size] == '\0') {
            return true;
        }
    }
    return false;
}

/* The token is ours: no command gets it. */
static bool is_inherited(const char *entry, char *const *own)
{
    for (size_t i = 0; own[i]; i++) {
        if (names_same(own[i], entry)) {
            return false;
        }
    }
    return !names_same("OP_CONNECT_TOKEN=", entry);
}

/* `own` first, then what is inherited; owned, the entries are not. */
static char **join(char *const *own, size_t count, char *const *inherited)
{
    size_t all = 0;
    while (inherited[all]) {
        all++;
    }
    char **joined = calloc(count + all + 1, sizeof(char *));
    for (size_t i = 0; joined && i < count; i++) {
        joined[i] = own[i];
    }
    for (size_t i = 0; joined && i < all; i++) {
        if (is_inherited(inherited[i], own)) {
            joined[count++] = inherited[i];
        }
    }
    return joined;
}

static bool start_command(const struct policy *policy, char *const *environment, const int *outputs,
                          pid_t *ret_pid, struct error *err)
{
    const struct spawn spawn = {
        .arguments = policy->command,
        .environment = environment,
        .descriptors = {-1, outputs ? outputs[0] : -1, outputs ? outputs[1] : -1},
        .own_group = !policy->shares_group,
        .sibling = true};
    int number = spawn_start(&spawn, ret_pid);
    return number == 0 || explain_start(policy->command[0], number, err);
}

bool policy_run_command(const struct policy *policy, struct secret *variables, const int *outputs,
                        pid_t *ret_pid, struct error *err)
{
    size_t count;
    STRINGS_AUTO own = split(variables, &count, err);
    if (!own) {
        return false;
    }
    if (!policy->command) {
        return refuse_hook(err);
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_named(&policy->template->launch.environment, own[i])) {
            return error_set(err, ERROR_HOOK,
                             "the broker does not set what its template does not name: %.*s",
                             (int)strcspn(own[i], "="), own[i]);
        }
    }
    STRINGS_AUTO environment = join(own, count, policy->environment);
    return environment ? start_command(policy, environment, outputs, ret_pid, err)
                       : error_set(err, ERROR_MEMORY, "out of memory");
}

/* --- a new template --- */

bool policy_reload(struct policy *policy, struct error *err)
{
    struct findings findings;
    struct template *template = NULL;
    findings_init(&findings);
    bool ok = config_load(policy->path, policy->overrides, &findings, &template);
    if (ok) {
        template_free(policy->own);
        policy->own = template;
        policy->template = template;
    } else {
        if (findings.count > 0) {
            *err = findings.list[0].error;
        } else {
            error_set(err, ERROR_MEMORY, "out of memory");
        }
        template_free(template);
    }
    findings_done(&findings);
    return ok;
}
