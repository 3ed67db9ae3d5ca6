#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

static const char *const key_names[LOG_KEYS] = {
    [LOG_KEY_ERROR] = "error",         [LOG_KEY_REASON] = "reason",
    [LOG_KEY_TEMPLATE] = "template",   [LOG_KEY_OUTPUT] = "output",
    [LOG_KEY_FILE] = "file",           [LOG_KEY_VARIABLE] = "variable",
    [LOG_KEY_REFERENCE] = "reference", [LOG_KEY_HOST] = "host",
    [LOG_KEY_ENDPOINT] = "endpoint",   [LOG_KEY_STATUS] = "status",
    [LOG_KEY_VAULT] = "vault",         [LOG_KEY_ITEM] = "item",
    [LOG_KEY_VERSION] = "version",     [LOG_KEY_TRY] = "try",
    [LOG_KEY_DELAY_MS] = "delay_ms",   [LOG_KEY_DURATION_MS] = "duration_ms",
    [LOG_KEY_COUNT] = "count",         [LOG_KEY_SIGNAL] = "signal",
    [LOG_KEY_EXPIRES] = "expires",     [LOG_KEY_PID] = "pid",
    [LOG_KEY_PHASE] = "phase",         [LOG_KEY_HOOK] = "hook",
    [LOG_KEY_LANDLOCK] = "landlock",   [LOG_KEY_SECCOMP] = "seccomp",
    [LOG_KEY_TARGET] = "target",       [LOG_KEY_POD] = "pod",
    [LOG_KEY_NAMESPACE] = "namespace"};

/* A line under construction, with room kept for its end. */
struct line {
    char bytes[LIMIT_LOG_LINE];
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
    size_t room = sizeof(line->bytes) - 4 - line->size;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line->bytes + line->size, room, format, arguments);
    va_end(arguments);
    if (size > 0) {
        line->size += (size_t)size < room ? (size_t)size : room - 1;
    }
}

/* In double quotes; `"` and `\` escaped; what cannot be printed is '?' already. */
static void add_quoted(struct line *line, const char *text)
{
    char shown[LIMIT_MESSAGE + 64];
    str_print(str_from(text), shown, sizeof(shown));
    add(line, "\"");
    for (const char *at = shown; *at; at++) {
        add(line, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    }
    add(line, "\"");
}

static void add_field(struct line *line, enum log_format format, const struct log_field *field)
{
    const char *name = key_names[field->key];
    if (field->text && field->text[0] == '\0') {
        return;
    }
    add(line, format == LOG_JSON ? ",\"%s\":" : " %s=", name);
    if (field->text) {
        add_quoted(line, field->text);
    } else {
        add(line, "%lld", (long long)field->number);
    }
}

static void add_head(struct line *line, const struct log *log, enum log_level level,
                     const char *message)
{
    int64_t now = clock_wall_ms(log->clock);
    time_t seconds = (time_t)(now / 1000);
    struct tm parts;
    char stamp[32];
    gmtime_r(&seconds, &parts);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &parts);
    if (log->format == LOG_JSON) {
        add(line, "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"message\":", stamp, (int)(now % 1000),
            level_names[level]);
        add_quoted(line, message);
    } else {
        add(line, "%s.%03dZ %-5s %s", stamp, (int)(now % 1000), level_names[level], message);
    }
}

void log_write_fields(const struct log *log, enum log_level level, const char *message,
                      const struct log_field fields[])
{
    struct line line = {.size = 0};
    if (level > log->level) {
        return;
    }
    add_head(&line, log, level, message);
    for (const struct log_field *field = fields; field->key != LOG_END; field++) {
        add_field(&line, log->format, field);
    }
    if (log->format == LOG_JSON) {
        line.bytes[line.size++] = '}';
    }
    line.bytes[line.size++] = '\n';
    ssize_t written = write(log->fd, line.bytes, line.size);
    (void)written; /* a log that cannot be written has nobody to tell */
}

static bool find(struct str name, const char *const names[], size_t count, size_t *ret_index)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is(name, names[i])) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

bool log_level_find(struct str name, enum log_level *ret_level)
{
    size_t index;
    if (!find(name, level_names, sizeof(level_names) / sizeof(level_names[0]), &index)) {
        return false;
    }
    *ret_level = (enum log_level)index;
    return true;
}

bool log_format_find(struct str name, enum log_format *ret_format)
{
    static const char *const names[] = {[LOG_JSON] = "json", [LOG_TEXT] = "text"};
    size_t index;
    if (!find(name, names, sizeof(names) / sizeof(names[0]), &index)) {
        return false;
    }
    *ret_format = (enum log_format)index;
    return true;
}
