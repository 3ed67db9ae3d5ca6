#include "watch/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "io/timer.h"
#include "watch/digest.h"
#include "watch/trail.h"

enum { EVENTS_SIZE = 8192 };

const struct watch_options watch_defaults = {
    .debounce_ms = 250, .debounce_most_ms = 2000, .fallback_ms = 5000};

/* What stat tells of a file, symlinks followed; all zero when it is not there. */
struct look {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct followed {
    char path[PATH_MAX];
    uint64_t digest;
    struct look look;
};

/* A directory, by its watch descriptor, and a name in it that matters; "": a file itself. */
struct spot {
    int descriptor;
    char name[NAME_MAX + 1];
};

struct watch {
    struct loop *loop;
    struct watch_options options;
    struct watch_owner owner;
    struct digest_key key;
    struct followed *list; /* owned */
    size_t count;
    struct loop_source source; /* of inotify; fd -1 when there is none */
    struct timer debounce;
    struct timer poll;
    struct spot *spots; /* owned; where it is watched for what */
    size_t spots_count;
    uint64_t first_ms; /* of the first event that was not looked into; 0: none */
    enum watch_mode mode;
    bool told;       /* the owner knows the mode */
    unsigned rounds; /* of watch_set: to see that it was called from within a callback */
};

static struct look look_at(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0) {
        return (struct look){0};
    }
    return (struct look){status.st_dev, status.st_ino, status.st_size, status.st_mtim,
                         status.st_ctim};
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same_look(const struct look *a, const struct look *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           is_same_time(&a->modified, &b->modified) && is_same_time(&a->changed, &b->changed);
}

static void set_mode(struct watch *watch, enum watch_mode mode, const struct error *error)
{
    if (watch->mode != mode || !watch->told) {
        watch->mode = mode;
        watch->told = true;
        watch->owner.mode(watch->owner.context, mode, error);
    }
}

/* --- inotify --- */

static void drop_events(struct watch *watch)
{
    if (watch->source.fd >= 0) {
        loop_remove(watch->loop, &watch->source);
        close(watch->source.fd);
        watch->source.fd = -1;
    }
}

static void on_events(void *context, uint32_t events);

static bool open_events(struct watch *watch, struct error *err)
{
    if (watch->options.no_events) {
        return error_set_errno(err, ERROR_SYSTEM, EMFILE, "inotify_init1");
    }
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) {
        return error_set_errno(err, ERROR_SYSTEM, errno, "inotify_init1");
    }
    watch->source = (struct loop_source){.fd = fd, .ready = on_events, .context = watch};
    if (!loop_add(watch->loop, &watch->source, EPOLLIN, err)) {
        close(fd);
        watch->source.fd = -1;
        return false;
    }
    return true;
}

struct adding {
    struct watch *watch;
    int error; /* errno of the first place that cannot be watched for want of room */
};

static bool remember(struct watch *watch, int descriptor, const char *name)
{
    struct spot *spots = reallocarray(watch->spots, watch->spots_count + 1, sizeof(*spots));
    if (!spots) {
        return false;
    }
    watch->spots = spots;
    spots[watch->spots_count] = (struct spot){.descriptor = descriptor};
    snprintf(spots[watch->spots_count++].name, sizeof(spots->name), "%s", name);
    return true;
}

static void add_place(void *context, const char *place, const char *name)
{
    struct adding *adding = context;
    /* Of a directory only its names matter; writes are events of the file. */
    uint32_t mask = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT;
    mask |= name[0] ? IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
                    : IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;
    int descriptor = inotify_add_watch(adding->watch->source.fd, place, mask);
    if (descriptor < 0 && (errno == ENOSPC || errno == ENOMEM)) {
        adding->error = errno;
    }
    if (descriptor >= 0 && !remember(adding->watch, descriptor, name)) {
        adding->error = ENOMEM;
    }
}

/* Everything anew, on a fresh instance: old watches go with the old one. The other one is opened
 * before that is closed, so that no change falls between. */
static void watch_places(struct watch *watch)
{
    struct loop_source old = watch->source;
    struct error error;
    if (old.fd >= 0) {
        loop_remove(watch->loop, &watch->source);
        watch->source.fd = -1;
    }
    bool ok = open_events(watch, &error);
    struct adding adding = {.watch = watch};
    watch->spots_count = 0;
    for (size_t i = 0; ok && i < watch->count; i++) {
        trail_walk(watch->list[i].path, add_place, &adding);
    }
    if (old.fd >= 0) {
        close(old.fd);
    }
    if (ok && adding.error) {
        error_set_errno(&error, ERROR_SYSTEM, adding.error, "inotify_add_watch");
        drop_events(watch);
        ok = false;
    }
    set_mode(watch, ok ? WATCH_EVENTS : WATCH_POLL, ok ? NULL : &error);
}

/* Does it concern a name on the way? Directories like /run are busy with others. */
static bool matters(const struct watch *watch, const struct inotify_event *event)
{
    if (event->len == 0) {
        return !(event->mask & IN_IGNORED); /* the place itself, or an overflow */
    }
    for (size_t i = 0; i < watch->spots_count; i++) {
        if (watch->spots[i].descriptor == event->wd &&
            strcmp(watch->spots[i].name, event->name) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_events(const struct watch *watch)
{
    _Alignas(struct inotify_event) char buffer[EVENTS_SIZE];
    ssize_t size;
    bool any = false;
    while ((size = read(watch->source.fd, buffer, sizeof(buffer))) > 0) {
        for (ssize_t at = 0; at < size;) {
            const struct inotify_event *event = (const void *)(buffer + at);
            any = any || matters(watch, event);
            at += (ssize_t)sizeof(*event) + event->len;
        }
    }
    return any;
}

/* What an event means, the digests tell. */
static void on_events(void *context, uint32_t events)
{
    struct watch *watch = context;
    uint64_t now = clock_now_ms(watch->loop->clock);
    (void)events;
    if (!read_events(watch)) {
        return;
    }
    watch->first_ms = watch->first_ms ? watch->first_ms : now;
    uint64_t most = watch->first_ms + watch->options.debounce_most_ms;
    uint64_t due = now + watch->options.debounce_ms;
    due = due < most ? due : most;
    timer_set(&watch->debounce, due > now ? due - now : 0);
}

/* --- looking --- */

/* Is it another content? */
static bool examine(struct watch *watch, struct followed *followed)
{
    followed->look = look_at(followed->path);
    uint64_t digest = digest_file(&watch->key, followed->path);
    bool other = digest != followed->digest;
    followed->digest = digest;
    return other;
}

/* The owner may set other paths in the callback: then the rest does not matter. */
static void look_into(struct watch *watch, bool all)
{
    unsigned rounds = watch->rounds;
    for (size_t i = 0; watch->rounds == rounds && i < watch->count; i++) {
        struct look look = look_at(watch->list[i].path);
        if ((all || !is_same_look(&look, &watch->list[i].look)) &&
            examine(watch, &watch->list[i])) {
            watch->owner.changed(watch->owner.context, i);
        }
    }
}

static void rest(struct watch *watch)
{
    if (watch->mode == WATCH_POLL) {
        timer_set(&watch->poll, watch->options.fallback_ms);
    } else {
        timer_stop(&watch->poll);
    }
}

static void on_debounced(void *context)
{
    struct watch *watch = context;
    watch->first_ms = 0;
    watch_places(watch);
    look_into(watch, true);
    rest(watch);
}

void watch_look(struct watch *watch)
{
    if (watch->mode == WATCH_POLL) {
        watch_places(watch);
    }
    look_into(watch, false);
    rest(watch);
}

static void on_poll(void *context)
{
    watch_look(context);
}

/* --- life --- */

bool watch_new(struct loop *loop, const struct watch_options *options,
               const struct watch_owner *owner, struct watch **ret_watch, struct error *err)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    if (!watch) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *watch =
        (struct watch){.loop = loop, .options = *options, .owner = *owner, .source = {.fd = -1}};
    for (size_t i = 0; i < 4; i++) {
        watch->key.halves[i / 2] = watch->key.halves[i / 2] << 32 | random_number();
    }
    if (!timer_init(&watch->debounce, loop, on_debounced, watch, err)) {
        free(watch);
        return false;
    }
    if (!timer_init(&watch->poll, loop, on_poll, watch, err)) {
        timer_done(&watch->debounce);
        free(watch);
        return false;
    }
    *ret_watch = watch;
    return true;
}

void watch_free(struct watch *watch)
{
    if (!watch) {
        return;
    }
    drop_events(watch);
    timer_done(&watch->poll);
    timer_done(&watch->debounce);
    free(watch->list);
    free(watch->spots);
    free(watch);
}

bool watch_set(struct watch *watch, const char *const paths[], size_t count, struct error *err)
{
    struct followed *list = calloc(count + 1, sizeof(*list));
    if (!list) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        /* What is longer cannot be opened either. */
        snprintf(list[i].path, sizeof(list[i].path), "%s", paths[i]);
    }
    free(watch->list);
    watch->list = list;
    watch->count = count;
    watch->rounds++;
    watch_places(watch); /* before they are read: what changes after that is an event */
    for (size_t i = 0; i < count; i++) {
        (void)examine(watch, &list[i]);
    }
    rest(watch);
    return true;
}
