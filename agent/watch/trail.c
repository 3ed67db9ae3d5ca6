#include "watch/trail.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
    char done[PATH_MAX]; /* without symlinks; "" is the root */
    char rest[PATH_MAX]; /* still to go */
    unsigned links;
    unsigned steps;
    void (*each)(void *context, const char *place, const char *name);
    void *context;
};

/* Takes the first name off the rest. False at the end. */
static bool next_name(struct walk *walk, char name[NAME_MAX + 1])
{
    char *from = walk->rest + strspn(walk->rest, "/");
    size_t size = strcspn(from, "/");
    if (size == 0 || size > NAME_MAX) {
        return false;
    }
    memcpy(name, from, size);
    name[size] = '\0';
    memmove(walk->rest, from + size, strlen(from + size) + 1);
    return true;
}

static void go_up(struct walk *walk)
{
    char *slash = strrchr(walk->done, '/');
    if (slash) {
        *slash = '\0';
    }
}

/* The link's target takes the place of its name. */
static bool follow(struct walk *walk, const char *link)
{
    char target[PATH_MAX];
    char joined[PATH_MAX];
    ssize_t size = readlink(link, target, sizeof(target) - 1);
    if (size <= 0 || ++walk->links > TRAIL_LINKS) {
        return false;
    }
    target[size] = '\0';
    if ((size_t)snprintf(joined, sizeof(joined), "%s/%s", target, walk->rest) >= sizeof(joined)) {
        return false;
    }
    memcpy(walk->rest, joined, strlen(joined) + 1);
    if (target[0] == '/') {
        walk->done[0] = '\0';
    }
    return true;
}

/* One name further. False when that is as far as it goes. */
static bool step(struct walk *walk, const char *name)
{
    char place[PATH_MAX];
    struct stat status;
    if (strcmp(name, ".") == 0) {
        return true;
    }
    if (strcmp(name, "..") == 0) {
        go_up(walk);
        return true;
    }
    walk->each(walk->context, walk->done[0] ? walk->done : "/", name);
    if ((size_t)snprintf(place, sizeof(place), "%s/%s", walk->done, name) >= sizeof(place) ||
        lstat(place, &status) < 0) {
        return false;
    }
    if (S_ISLNK(status.st_mode)) {
        return follow(walk, place);
    }
    memcpy(walk->done, place, strlen(place) + 1);
    if (!S_ISDIR(status.st_mode)) {
        walk->each(walk->context, walk->done, "");
    }
    return true;
}

void trail_walk(const char *path, void (*each)(void *context, const char *place, const char *name),
                void *context)
{
    struct walk walk = {.each = each, .context = context};
    char name[NAME_MAX + 1];
    char here[PATH_MAX];
    int size;
    if (path[0] == '/') {
        size = snprintf(walk.rest, sizeof(walk.rest), "%s", path);
    } else if (getcwd(here, sizeof(here))) {
        size = snprintf(walk.rest, sizeof(walk.rest), "%s/%s", here, path);
    } else {
        return;
    }
    if (size < 0 || (size_t)size >= sizeof(walk.rest)) {
        return;
    }
    while (walk.steps++ < TRAIL_DEEPEST && next_name(&walk, name) && step(&walk, name)) {
    }
}
