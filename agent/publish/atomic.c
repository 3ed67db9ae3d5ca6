/* Layout atomic. DIR/..2026_11_24_03_33_31.123456789/ holds a complete generation, DIR/..data is a
 * symlink to it and DIR/NAME a symlink to ..data/NAME. One rename of a new ..data over the old
 * swaps everything that open(2) finds: a name that is added dangles until then, one that is removed
 * dangles from then on. Before that rename every failure is undone, after it none counts. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/compare.h"
#include "publish/directory.h"
#include "publish/layout.h"
#include "publish/sweep.h"

enum { NAME_TRIES = 8 };

static bool refuse(const struct publication *publication, const char *name, mode_t mode,
                   struct error *err)
{
    return explain_in_the_way(&publication->site, name, mode,
                              "that connect-agent did not put there (layout: atomic uses "
                              "symlinks); remove it or choose another directory",
                              err);
}

static bool read_current(struct publication *publication, struct error *err)
{
    char *current = publication->atomic.current;
    struct stat status;
    if (!directory_stat(publication->site.fd, PATTERN_DATA, &status)) {
        return errno == ENOENT ||
               explain_errno(&publication->site, PATTERN_DATA, "look at it", errno, err);
    }
    if (!directory_read_link(publication->site.fd, PATTERN_DATA, PATTERN_SIZE, current) ||
        strchr(current, '/')) {
        return refuse(publication, PATTERN_DATA, status.st_mode, err);
    }
    return true;
}

static bool check_top(struct publication *publication, const char *name, struct error *err)
{
    struct stat status;
    if (directory_stat(publication->site.fd, name, &status)) {
        return sweep_is_link(publication->site.fd, name) ||
               refuse(publication, name, status.st_mode, err);
    }
    if (errno != ENOENT) {
        return explain_errno(&publication->site, name, "look at it", errno, err);
    }
    return names_add(&publication->atomic.missing, str_from(name), err);
}

static bool check_tops(struct publication *publication, struct error *err)
{
    struct names *tops = &publication->atomic.tops;
    for (size_t i = 0; i < publication->generation->count; i++) {
        const char *path = publication->generation->files[i].path;
        if (!names_add(tops, (struct str){path, strcspn(path, "/")}, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < tops->count; i++) {
        if (!check_top(publication, tops->list[i], err)) {
            return false;
        }
    }
    return true;
}

static bool find_change(struct publication *publication, struct error *err)
{
    const char *current = publication->atomic.current;
    SECRET_AUTO room = compare_room(err);
    if (!room) {
        return false;
    }
    FD_AUTO fd = current[0] ? directory_open(publication->site.fd, current) : -1;
    publication->changed =
        fd < 0 || !compare_tree(fd, publication->generation, &publication->directories,
                                &publication->directory, room);
    return true;
}

/* `path` is below the staged directory `root`. */
static bool make_directory(const struct publication *publication, int root, const char *path,
                           struct error *err)
{
    return directory_make(root, path) ||
           explain_errno(&publication->site, path, "make the directory", errno, err);
}

static bool write_staged(const struct publication *publication, int root,
                         const struct generation_file *file, struct error *err)
{
    const char *name;
    struct attributes attributes = layout_attributes(file);
    FD_AUTO parent = directory_open_parent(root, file->path, &name);
    if (parent < 0) {
        return explain_errno(&publication->site, file->path, "open its directory", errno, err);
    }
    return write_file(&publication->site, file->path, parent, name, &attributes,
                      secret_str(file->bytes), err);
}

/* Owner and mode come last: until then only we can enter. */
static bool seal(const struct publication *publication, int root, const char *path,
                 struct error *err)
{
    FD_AUTO fd = directory_open(root, path);
    const char *shown = strcmp(path, ".") == 0 ? publication->atomic.staged : path;
    if (fd < 0) {
        return explain_errno(&publication->site, shown, "open the directory", errno, err);
    }
    if (!write_attributes(&publication->site, shown, fd, &publication->directory, err)) {
        return false;
    }
    return directory_sync(fd) ||
           explain_errno(&publication->site, shown, "write the directory", errno, err);
}

static bool fill(const struct publication *publication, int root, struct error *err)
{
    const struct names *directories = &publication->directories;
    for (size_t i = 0; i < directories->count; i++) {
        if (!make_directory(publication, root, directories->list[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < publication->generation->count; i++) {
        if (!write_staged(publication, root, &publication->generation->files[i], err)) {
            return false;
        }
    }
    for (size_t i = directories->count; i > 0; i--) {
        if (!seal(publication, root, directories->list[i - 1], err)) {
            return false;
        }
    }
    return seal(publication, root, ".", err);
}

static bool write_generation(struct publication *publication, struct error *err)
{
    char name[PATTERN_SIZE];
    pattern_make(PATTERN_STAGING, name);
    if (!make_directory(publication, publication->site.fd, name, err)) {
        return false;
    }
    memcpy(publication->atomic.staged, name, sizeof(name));
    FD_AUTO root = directory_open(publication->site.fd, name);
    if (root < 0) {
        return explain_errno(&publication->site, name, "open the directory", errno, err);
    }
    if (!fill(publication, root, err)) {
        return false;
    }
    if (asprintf(&publication->staged_path, "%s/%s", publication->site.directory, name) < 0) {
        publication->staged_path = NULL;
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return true;
}

static bool stage(struct publication *publication, struct error *err)
{
    return read_current(publication, err) && check_tops(publication, err) &&
           find_change(publication, err) &&
           (!publication->changed || write_generation(publication, err));
}

/* Names that were there before the swap keep what they had; new ones dangle until then. */
static bool add_links(const struct publication *publication, struct error *err)
{
    const struct names *missing = &publication->atomic.missing;
    char target[sizeof(PATTERN_THROUGH) + PATTERN_SIZE];
    for (size_t i = 0; i < missing->count; i++) {
        snprintf(target, sizeof(target), PATTERN_THROUGH "%s", missing->list[i]);
        if (symlinkat(target, publication->site.fd, missing->list[i]) < 0) {
            return explain_errno(&publication->site, missing->list[i], "make the symlink", errno,
                                 err);
        }
    }
    return true;
}

static void remove_links(const struct publication *publication)
{
    const struct names *missing = &publication->atomic.missing;
    for (size_t i = 0; i < missing->count; i++) {
        if (sweep_is_link(publication->site.fd, missing->list[i])) {
            (void)unlinkat(publication->site.fd, missing->list[i], 0);
        }
    }
}

/* Two publications of one millisecond may draw the same name, once in a million: then it is taken,
 * as long as the older one is kept, and another is drawn. */
static bool give_name(struct publication *publication, struct error *err)
{
    char name[PATTERN_SIZE];
    int fd = publication->site.fd;
    for (unsigned tries = 1;; tries++) {
        pattern_make_generation(name);
        if (renameat(fd, publication->atomic.staged, fd, name) == 0) {
            break;
        }
        if ((errno != ENOTEMPTY && errno != EEXIST) || tries == NAME_TRIES) {
            return explain_errno(&publication->site, name, "rename the new generation", errno, err);
        }
    }
    memcpy(publication->atomic.staged, name, sizeof(name));
    return true;
}

/* The moment it becomes visible. */
static bool swap(const struct publication *publication, struct error *err)
{
    char name[PATTERN_SIZE];
    int fd = publication->site.fd;
    pattern_make(PATTERN_LINK, name);
    if (symlinkat(publication->atomic.staged, fd, name) < 0) {
        return explain_errno(&publication->site, PATTERN_DATA, "make the symlink", errno, err);
    }
    if (directory_sync(fd) && renameat(fd, name, fd, PATTERN_DATA) == 0) {
        return true;
    }
    explain_errno(&publication->site, PATTERN_DATA, "replace the symlink", errno, err);
    (void)unlinkat(fd, name, 0);
    return false;
}

static void discard(struct publication *publication)
{
    if (publication->atomic.staged[0]) {
        (void)directory_remove(publication->site.fd, publication->atomic.staged);
        publication->atomic.staged[0] = '\0';
    }
}

static void tidy(const struct publication *publication, const char *current, const char *previous)
{
    (void)directory_sync(publication->site.fd);
    sweep_links(publication->site.fd, &publication->atomic.tops);
    sweep_generations(publication->site.fd, current, previous);
}

static bool commit(struct publication *publication, struct error *err)
{
    struct atomic *atomic = &publication->atomic;
    if (!publication->changed) {
        bool ok = add_links(publication, err);
        tidy(publication, atomic->current, NULL);
        return ok;
    }
    if (!give_name(publication, err) || !add_links(publication, err) || !swap(publication, err)) {
        remove_links(publication);
        discard(publication);
        return false;
    }
    tidy(publication, atomic->staged, atomic->current);
    atomic->staged[0] = '\0';
    return true;
}

const struct layout_steps layout_atomic = {stage, commit, discard};
