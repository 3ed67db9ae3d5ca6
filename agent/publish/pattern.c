#include "publish/pattern.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"

#define FILE_MARK ".connect-agent."

enum {
    RANDOM_SIZE = 16,
    FILE_LONGEST = LIMIT_NAME - (int)(sizeof("." FILE_MARK) - 1) - RANDOM_SIZE,
};

static const char *const prefixes[PATTERNS] = {
    [PATTERN_STAGING] = "..staging.",
    [PATTERN_LINK] = "..data_tmp.",
    [PATTERN_NEWLIST] = PATTERN_LIST ".",
};

static uint64_t random_wide(void)
{
    return (uint64_t)random_number() << 32 | random_number();
}

static bool is_random(const char *text)
{
    return strlen(text) == RANDOM_SIZE && strspn(text, "0123456789abcdef") == RANDOM_SIZE;
}

void pattern_make(enum pattern pattern, char out[static PATTERN_SIZE])
{
    snprintf(out, PATTERN_SIZE, "%s%016" PRIx64, prefixes[pattern], random_wide());
}

bool pattern_is(enum pattern pattern, const char *name)
{
    size_t size = strlen(prefixes[pattern]);
    return strncmp(name, prefixes[pattern], size) == 0 && is_random(name + size);
}

void pattern_make_file(const char *name, char out[static PATTERN_SIZE])
{
    snprintf(out, PATTERN_SIZE, ".%.*s" FILE_MARK "%016" PRIx64, FILE_LONGEST, name, random_wide());
}

bool pattern_is_file(const char *name)
{
    size_t size = strlen(name);
    size_t tail = sizeof(FILE_MARK) - 1 + RANDOM_SIZE;
    if (name[0] != '.' || size <= 1 + tail) {
        return false;
    }
    const char *mark = name + size - tail;
    return strncmp(mark, FILE_MARK, sizeof(FILE_MARK) - 1) == 0 &&
           is_random(mark + sizeof(FILE_MARK) - 1);
}

void pattern_make_generation(char out[static PATTERN_SIZE])
{
    int64_t now_ms = clock_wall_ms(&clock_system);
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char text[32] = "";
    if (gmtime_r(&seconds, &utc)) {
        strftime(text, sizeof(text), "%Y_%m_%d_%H_%M_%S", &utc);
    }
    snprintf(out, PATTERN_SIZE, "..%s.%03d%06" PRIu32, text, (int)(now_ms % 1000),
             random_number() % 1000000);
}

bool pattern_is_generation(const char *name)
{
    static const char shape[] = "..dddd_dd_dd_dd_dd_dd.ddddddddd";
    if (strlen(name) != sizeof(shape) - 1) {
        return false;
    }
    for (size_t i = 0; shape[i]; i++) {
        bool digit = name[i] >= '0' && name[i] <= '9';
        if (shape[i] == 'd' ? !digit : name[i] != shape[i]) {
            return false;
        }
    }
    return true;
}

static bool is_component(const char *path, size_t size)
{
    char name[PATTERN_SIZE];
    if (size == 0 || size > LIMIT_NAME) {
        return false;
    }
    memcpy(name, path, size);
    name[size] = '\0';
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '\n') &&
           !pattern_is_file(name);
}

bool pattern_is_publishable(const char *path)
{
    unsigned depth = 1;
    if (strncmp(path, "..", 2) == 0) {
        return false;
    }
    for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
        if (!is_component(path, (size_t)(slash - path)) || ++depth > LIMIT_PATH_DEPTH) {
            return false;
        }
    }
    return is_component(path, strlen(path));
}
