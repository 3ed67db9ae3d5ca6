#include "publish/sweep.h"

#include <string.h>

#include "publish/directory.h"
#include "publish/pattern.h"

static bool is_leftover(const char *name)
{
    return pattern_is(PATTERN_STAGING, name) || pattern_is(PATTERN_LINK, name) ||
           pattern_is(PATTERN_NEWLIST, name) || pattern_is_file(name);
}

void sweep_leftovers(int directory)
{
    NAMES_AUTO names = {0};
    if (!directory_list(directory, &names)) {
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (is_leftover(names.list[i])) {
            (void)directory_remove(directory, names.list[i]);
        }
    }
}

/* Names are times: sorted is in order of age. */
static const char *find_previous(const struct names *names, const char *current)
{
    const char *previous = "";
    for (size_t i = 0; i < names->count && strcmp(names->list[i], current) < 0; i++) {
        if (pattern_is_generation(names->list[i])) {
            previous = names->list[i];
        }
    }
    return previous;
}

void sweep_generations(int directory, const char *current, const char *previous)
{
    NAMES_AUTO names = {0};
    if (!directory_list(directory, &names)) {
        return;
    }
    if (!previous) {
        previous = find_previous(&names, current);
    }
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.list[i];
        if (pattern_is_generation(name) && strcmp(name, current) != 0 &&
            strcmp(name, previous) != 0) {
            (void)directory_remove(directory, name);
        }
    }
}

bool sweep_is_link(int directory, const char *name)
{
    char target[sizeof(PATTERN_THROUGH) + PATTERN_SIZE];
    return directory_read_link(directory, name, sizeof(target), target) &&
           strncmp(target, PATTERN_THROUGH, sizeof(PATTERN_THROUGH) - 1) == 0 &&
           strcmp(target + sizeof(PATTERN_THROUGH) - 1, name) == 0;
}

void sweep_links(int directory, const struct names *wanted)
{
    NAMES_AUTO names = {0};
    if (!directory_list(directory, &names)) {
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (!names_has(wanted, str_from(names.list[i])) &&
            sweep_is_link(directory, names.list[i])) {
            (void)unlinkat(directory, names.list[i], 0);
        }
    }
}
