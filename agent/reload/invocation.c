#include "reload/invocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { VARIABLES = 4 };

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static void free_strings(char **strings)
{
    for (size_t i = 0; strings && strings[i]; i++) {
        free(strings[i]);
    }
    free(strings);
}

/* With every {{ directory }} replaced; owned. */
static char *expand(const char *argument, const char *directory, struct error *err)
{
    struct str text = str_from(argument);
    struct buf buf;
    size_t at = 0;
    buf_init(&buf, 2 * (size_t)LIMIT_TEMPLATE_FILE);
    if (!buf_append(&buf, str_from(""), err)) {
        return NULL;
    }
    while (at < text.size) {
        size_t next = str_find(text, at, HOOK_DIRECTORY);
        bool found = next < text.size;
        if (!buf_append(&buf, str_slice(text, at, next), err) ||
            !buf_append(&buf, str_from(found ? directory : ""), err)) {
            return NULL; /* it is emptied */
        }
        at = found ? next + strlen(HOOK_DIRECTORY) : next;
    }
    return buf.bytes;
}

static bool set_arguments(struct invocation *invocation, const struct hook *hook,
                          const char *directory, struct error *err)
{
    size_t count = 0;
    while (hook->command[count]) {
        count++;
    }
    invocation->arguments = calloc(count + 1, sizeof(char *));
    if (!invocation->arguments) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        invocation->arguments[i] = expand(hook->command[i], directory, err);
        if (!invocation->arguments[i]) {
            return false;
        }
    }
    return true;
}

static bool set_variable(char **into, const char *name, const char *value, struct error *err)
{
    if (asprintf(into, "%s=%s", name, value) < 0) {
        *into = NULL;
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return true;
}

static bool set_environment(struct invocation *invocation, const char *directory,
                            const char *generation, struct error *err)
{
    const char *path = getenv("PATH");
    const char *home = getenv("HOME");
    invocation->environment = calloc(VARIABLES + 1, sizeof(char *));
    char **next = invocation->environment;
    return next ? set_variable(next++, "PATH", path ? path : default_path, err) &&
                      set_variable(next++, "CONNECT_AGENT_DIRECTORY", directory, err) &&
                      set_variable(next++, "CONNECT_AGENT_GENERATION", generation, err) &&
                      (!home || set_variable(next, "HOME", home, err))
                : error_set(err, ERROR_MEMORY, "out of memory");
}

bool invocation_init(struct invocation *invocation, const struct hook *hook, const char *directory,
                     const char *generation, struct error *err)
{
    *invocation = (struct invocation){.arguments = NULL};
    if (set_arguments(invocation, hook, directory, err) &&
        set_environment(invocation, directory, generation, err)) {
        return true;
    }
    invocation_done(invocation);
    return false;
}

void invocation_done(struct invocation *invocation)
{
    free_strings(invocation->arguments);
    free_strings(invocation->environment);
    *invocation = (struct invocation){.arguments = NULL};
}
