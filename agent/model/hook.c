#include "model/hook.h"

#include <stdlib.h>
#include <string.h>

const char *hook_kind_name(enum hook_kind kind)
{
    static const char *const names[] = {
        [HOOK_SIGNAL] = "signal", [HOOK_HTTP] = "http", [HOOK_EXEC] = "exec"};
    return names[kind];
}

static void hook_done(struct hook *hook)
{
    for (size_t i = 0; hook->command && hook->command[i]; i++) {
        free(hook->command[i]);
    }
    free(hook->command);
    free(hook->process);
    free(hook->exe);
    free(hook->pid_file);
    free(hook->url);
    free(hook->method);
}

void hook_list_free(struct hook *list, size_t count)
{
    for (size_t i = 0; list && i < count; i++) {
        hook_done(&list[i]);
    }
    free(list);
}

/* Null stays null. */
static bool copy_string(const char *from, char **ret_copy)
{
    *ret_copy = from ? strdup(from) : NULL;
    return !from || *ret_copy;
}

static bool copy_command(char *const from[], char ***ret_copy)
{
    size_t count = 0;
    *ret_copy = NULL;
    if (!from) {
        return true;
    }
    while (from[count]) {
        count++;
    }
    char **copy = calloc(count + 1, sizeof(*copy));
    *ret_copy = copy;
    bool ok = copy != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        ok = copy_string(from[i], &copy[i]);
    }
    return ok;
}

static bool copy_hook(const struct hook *from, struct hook *copy)
{
    copy->kind = from->kind;
    copy->place = (struct place){.line = from->place.line, .column = from->place.column};
    copy->signal = from->signal;
    copy->timeout_ms = from->timeout_ms;
    return copy_string(from->process, &copy->process) && copy_string(from->exe, &copy->exe) &&
           copy_string(from->pid_file, &copy->pid_file) && copy_string(from->url, &copy->url) &&
           copy_string(from->method, &copy->method) && copy_command(from->command, &copy->command);
}

bool hook_list_copy(const struct hook *list, size_t count, struct hook **ret_list,
                    struct error *err)
{
    struct hook *copy = NULL;
    if (count > 0) {
        copy = calloc(count, sizeof(*copy));
    }
    bool ok = copy || count == 0;
    for (size_t i = 0; ok && i < count; i++) {
        ok = copy_hook(&list[i], &copy[i]);
    }
    if (!ok) {
        hook_list_free(copy, count);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *ret_list = copy;
    return true;
}
