#include "core/wishes.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/sandbox.h"
#include "publish/root.h"
#include "watch/trail.h"

static const struct place nowhere = {.line = 0};

static bool wish(const struct wishes *wishes, const char *path, unsigned rights)
{
    return wishes->grant(wishes->context, path, rights, &nowhere);
}

/* "/a/b" becomes "/a", "/a" becomes "/", "a" becomes ".". */
static void go_up(const char *path, char above[PATH_MAX])
{
    snprintf(above, PATH_MAX, "%s", path);
    char *slash = strrchr(above, '/');
    if (slash) {
        slash[slash == above] = '\0';
    } else {
        memcpy(above, ".", sizeof("."));
    }
}

/* --- what the system's libraries read --- */

bool wishes_of_system(const struct wishes *wishes)
{
    static const char *const paths[] = {
        "/etc/nsswitch.conf",
        "/etc/host.conf",
        "/etc/gai.conf",
        "/etc/services",
        "/etc/ssl",
        "/etc/pki",
        "/etc/ca-certificates",
        "/usr/share/ca-certificates",
        "/usr/local/share/ca-certificates",
        "/dev/urandom",
#ifndef AGENT_STATIC
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
#endif
    };
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof(paths) / sizeof(paths[0]); i++) {
        ok = wish(wishes, paths[i], SANDBOX_READ);
    }
    return ok;
}

/* --- files --- */

/* Directories that many share: never wished for only because something else lies in them. */
static bool is_shared(const char *directory)
{
    static const char *const patterns[] = {
        "/",       "/bin",         "/boot",     "/dev",        "/dev/shm", "/etc",  "/home",
        "/home/*", "/lib",         "/media",    "/mnt",        "/opt",     "/proc", "/root",
        "/run",    "/run/secrets", "/run/user", "/run/user/*", "/srv",     "/sys",  "/tmp",
        "/usr",    "/usr/*",       "/var",      "/var/*",
    };
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (fnmatch(patterns[i], directory, FNM_PATHNAME) == 0) {
            return true;
        }
    }
    return false;
}

/* A file that is bound alone, as Docker does with its secrets, cannot be replaced. */
static bool is_mount(const char *path)
{
    struct statx status;
    return statx(AT_FDCWD, path, 0, STATX_TYPE, &status) == 0 &&
           (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

struct way {
    const struct wishes *wishes;
    char last[PATH_MAX]; /* the directory that holds what the path leads to, or would */
    bool is_bound;       /* `last` is the file itself, and bound alone */
    bool ok;
};

/* A link to its sibling is how a directory is swapped: `..data`, `current`. */
static bool is_swapped(const char *place, const char *name)
{
    char path[PATH_MAX], target[PATH_MAX];
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", place, name) >= sizeof(path)) {
        return false;
    }
    ssize_t size = readlink(path, target, sizeof(target));
    return size > 0 && !memchr(target, '/', (size_t)size) && !is_shared(place);
}

static void on_place(void *context, const char *place, const char *name)
{
    struct way *way = context;
    if (!name[0] && !is_mount(place)) {
        return; /* it lies in `last` */
    }
    way->is_bound = !name[0];
    snprintf(way->last, sizeof(way->last), "%s", place);
    if (name[0] && way->ok && is_swapped(place, name)) {
        way->ok = wish(way->wishes, place, SANDBOX_READ);
    }
}

/* The directories that hold the file and its links: what is renamed to its name is another file. Of
 * a path whose directories come later, the nearest one that is there. */
static bool wish_file(const struct wishes *wishes, const char *path)
{
    struct way way = {.wishes = wishes, .ok = true};
    char holder[PATH_MAX];
    if (!path) {
        return true;
    }
    go_up(path, holder);
    trail_walk(path, on_place, &way);
    return way.ok && (way.last[0] == '\0' || wish(wishes, way.last, SANDBOX_READ)) &&
           (way.is_bound || wish(wishes, holder, SANDBOX_READ));
}

static bool wish_connect(const struct wishes *wishes, const struct settings *settings)
{
    return wish_file(wishes, "/etc/resolv.conf") && wish_file(wishes, "/etc/hosts") &&
           wish_file(wishes, settings->token_file) && wish_file(wishes, settings->ca_file) &&
           wish_file(wishes, settings->client_cert_file) &&
           wish_file(wishes, settings->client_key_file);
}

static bool wish_template(const struct wishes *wishes, const struct template *template,
                          enum wishes_life life)
{
    /* What is not there is the name of a template that came from elsewhere. */
    bool is_there = template->path && (life == WISHES_LASTING || access(template->path, F_OK) == 0);
    bool ok = !is_there || wish_file(wishes, template->path);
    for (size_t i = 0; ok && i < template->template_files_count; i++) {
        ok = wish_file(wishes, template->template_files[i]);
    }
    return ok;
}

/* --- outputs --- */

/* The volume of an output, so that the output can be made again in it, or another one beside it.
 * False: the output's own directory is all there can be. */
static bool find_volume(const char *directory, char volume[PATH_MAX])
{
    char above[PATH_MAX];
    struct stat here, status;
    go_up(directory, above);
    return !is_mount(directory) && realpath(above, volume) && !is_shared(volume) &&
           root_is_memory(volume) && stat(volume, &status) == 0 &&
           (stat(directory, &here) < 0 || here.st_dev == status.st_dev);
}

static bool wish_output(const struct wishes *wishes, const struct output *output)
{
    char volume[PATH_MAX];
    struct error ignored; /* publishing says it */
    int fd;
    if (find_volume(output->directory, volume)) {
        return wishes->grant(wishes->context, volume, SANDBOX_READ | SANDBOX_WRITE, &output->place);
    }
    if (wishes->prepares && access(output->directory, F_OK) < 0 &&
        root_open(output, &fd, &ignored)) {
        close(fd);
    }
    return wishes->grant(wishes->context, output->directory, SANDBOX_READ | SANDBOX_WRITE,
                         &output->place);
}

static bool wish_outputs(const struct wishes *wishes, const struct template *template)
{
    bool ok = true;
    for (size_t i = 0; ok && i < template->outputs_count; i++) {
        ok = wish_output(wishes, &template->outputs[i]);
    }
    return ok;
}

/* --- hooks --- */

static bool hooks_need(const struct hook *list, size_t count, enum wishes_need need)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        any = any || (need == WISHES_COMMAND && list[i].kind == HOOK_EXEC) ||
              (need == WISHES_EXE && list[i].exe) ||
              (need == WISHES_SIGNAL && list[i].kind == HOOK_SIGNAL);
    }
    return any;
}

bool wishes_need(const struct template *template, enum wishes_life life, enum wishes_need need)
{
    bool any = false;
    for (size_t i = 0; life != WISHES_PREVIEW && i < template->outputs_count; i++) {
        const struct output *output = &template->outputs[i];
        any = any || hooks_need(output->before_publish, output->before_publish_count, need) ||
              (life == WISHES_LASTING &&
               hooks_need(output->on_change, output->on_change_count, need));
    }
    return any;
}

bool wishes_need_broker(const struct template *template, enum wishes_life life)
{
    return wishes_need(template, life, WISHES_COMMAND) || wishes_need(template, life, WISHES_EXE);
}

static bool wish_hooks(const struct wishes *wishes, const struct template *template)
{
    bool ok = !wishes_need(template, WISHES_LASTING, WISHES_SIGNAL) ||
              wish(wishes, "/proc", SANDBOX_READ);
    for (size_t i = 0; ok && i < template->outputs_count; i++) {
        const struct output *output = &template->outputs[i];
        for (size_t j = 0; ok && j < output->on_change_count; j++) {
            ok = wish_file(wishes, output->on_change[j].pid_file);
        }
    }
    return ok;
}

bool wishes_of_output_file(const struct wishes *wishes, const char *path)
{
    char directory[PATH_MAX];
    go_up(path, directory);
    return wish(wishes, directory, SANDBOX_READ | SANDBOX_WRITE);
}

bool wishes_of(const struct wishes *wishes, const struct template *template, enum wishes_life life)
{
    return wish_connect(wishes, &template->settings) &&
           (life == WISHES_ONCE || wish_template(wishes, template, life)) &&
           (life == WISHES_PREVIEW || wish_outputs(wishes, template)) &&
           (life != WISHES_LASTING || wish_hooks(wishes, template));
}
