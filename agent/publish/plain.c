/* Layout plain. Each file that differs is staged under a temporary name in its own directory, then
 * all are renamed in the template's order; what is the same keeps its inode. The manifest names
 * what is ours: before the renames old and new names, after them the new ones, so that nothing of
 * ours is forgotten and nothing of anybody else's removed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/compare.h"
#include "publish/directory.h"
#include "publish/layout.h"
#include "publish/manifest.h"
#include "publish/sweep.h"

/* Nothing of ours is there, whatever else is. */
static bool is_gone(int number)
{
    return number == ENOENT || number == ENOTDIR || number == ELOOP;
}

static bool refuse(const struct publication *publication, const char *path, const char *why,
                   struct error *err)
{
    struct stat status;
    if (!directory_stat(publication->site.fd, path, &status)) {
        return explain_errno(&publication->site, path, "look at it", errno, err);
    }
    return S_ISLNK(status.st_mode)
               ? explain_symlink(&publication->site, path, err)
               : explain_in_the_way(&publication->site, path, status.st_mode, why, err);
}

/* Others keep the mode that somebody gave them. */
static bool is_to_mend(const struct publication *publication, const char *path, int fd)
{
    return manifest_has_directory(&publication->plain.manifest, path) &&
           !compare_directory(fd, &publication->directory);
}

/* Finds the directories that have to be made, before anything is. */
static bool check_directories(struct publication *publication, struct names *missing,
                              struct error *err)
{
    const struct names *directories = &publication->directories;
    for (size_t i = 0; i < directories->count; i++) {
        const char *path = directories->list[i];
        FD_AUTO fd = directory_open(publication->site.fd, path);
        if (fd >= 0) {
            publication->changed = publication->changed || is_to_mend(publication, path, fd);
            continue;
        }
        if (errno == ELOOP || errno == ENOTDIR) {
            return refuse(publication, path, "where a directory belongs; remove it", err);
        }
        if (errno != ENOENT) {
            return explain_errno(&publication->site, path, "open the directory", errno, err);
        }
        if (!names_add(missing, str_from(path), err)) {
            return false;
        }
    }
    return true;
}

/* Gives a temporary name to a file that has to be written. */
static bool check_file(struct publication *publication, size_t index, struct secret *room,
                       struct error *err)
{
    const struct generation_file *file = &publication->generation->files[index];
    const char *slash = strrchr(file->path, '/');
    struct stat status;
    bool there = directory_stat(publication->site.fd, file->path, &status);
    if (!there && errno != ENOENT) {
        return explain_errno(&publication->site, file->path, "look at it", errno, err);
    }
    if (there && !S_ISREG(status.st_mode)) {
        return refuse(publication, file->path, "where a file belongs; remove it", err);
    }
    if (!there || !compare_file(publication->site.fd, file, room)) {
        pattern_make_file(slash ? slash + 1 : file->path, publication->plain.staged[index]);
        publication->changed = true;
    }
    return names_add(&publication->plain.files, str_from(file->path), err);
}

static bool check_files(struct publication *publication, struct error *err)
{
    SECRET_AUTO room = compare_room(err);
    if (!room) {
        return false;
    }
    for (size_t i = 0; i < publication->generation->count; i++) {
        if (!check_file(publication, i, room, err)) {
            return false;
        }
    }
    return true;
}

static bool is_stale(const struct publication *publication, const char *entry)
{
    struct str path;
    struct stat status;
    return !manifest_is_directory(entry, &path) &&
           !names_has(&publication->plain.files, str_from(entry)) &&
           directory_stat(publication->site.fd, entry, &status) && S_ISREG(status.st_mode);
}

static void check_stale(struct publication *publication)
{
    const struct names *manifest = &publication->plain.manifest;
    for (size_t i = 0; i < manifest->count && !publication->changed; i++) {
        publication->changed = is_stale(publication, manifest->list[i]);
    }
}

/* Leftovers lie where files were staged: in directories of this set and of former ones. */
static bool sweep(const struct publication *publication, struct error *err)
{
    const struct names *manifest = &publication->plain.manifest;
    const struct names *directories = &publication->directories;
    NAMES_AUTO places = {0};
    for (size_t i = 0; i < manifest->count; i++) {
        if (!names_add_parents(&places, manifest->list[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < directories->count; i++) {
        if (!names_add(&places, str_from(directories->list[i]), err)) {
            return false;
        }
    }
    for (size_t i = 0; i < places.count; i++) {
        FD_AUTO fd = directory_open(publication->site.fd, places.list[i]);
        if (fd >= 0) {
            sweep_leftovers(fd);
        }
    }
    return true;
}

static bool make_directory(struct publication *publication, const char *path, struct error *err)
{
    if (!names_add(&publication->plain.made, str_from(path), err)) {
        return false;
    }
    if (!directory_make(publication->site.fd, path)) {
        return explain_errno(&publication->site, path, "make the directory", errno, err);
    }
    FD_AUTO fd = directory_open(publication->site.fd, path);
    if (fd < 0) {
        return explain_errno(&publication->site, path, "open the directory", errno, err);
    }
    return write_attributes(&publication->site, path, fd, &publication->directory, err);
}

/* The manifest comes first, or a crash would make our directories look like somebody else's. */
static bool make_directories(struct publication *publication, const struct names *missing,
                             struct error *err)
{
    struct plain *plain = &publication->plain;
    for (size_t i = 0; i < missing->count; i++) {
        if (!manifest_add_directory(&plain->manifest, missing->list[i], err)) {
            return false;
        }
    }
    if (missing->count > 0 && !manifest_write(&publication->site, &plain->manifest, err)) {
        return false;
    }
    for (size_t i = 0; i < missing->count; i++) {
        if (!make_directory(publication, missing->list[i], err)) {
            return false;
        }
    }
    return true;
}

static bool write_staged(const struct publication *publication, size_t index, struct error *err)
{
    const struct generation_file *file = &publication->generation->files[index];
    const char *temporary = publication->plain.staged[index];
    struct attributes attributes = layout_attributes(file);
    const char *name;
    if (!temporary[0]) {
        return true;
    }
    FD_AUTO parent = directory_open_parent(publication->site.fd, file->path, &name);
    if (parent < 0) {
        return explain_errno(&publication->site, file->path, "open its directory", errno, err);
    }
    return write_file(&publication->site, file->path, parent, temporary, &attributes,
                      secret_str(file->bytes), err);
}

static bool write_files(struct publication *publication, struct error *err)
{
    for (size_t i = 0; i < publication->generation->count; i++) {
        if (!write_staged(publication, i, err)) {
            return false;
        }
    }
    return true;
}

static bool stage(struct publication *publication, struct error *err)
{
    NAMES_AUTO missing = {0};
    publication->plain.staged =
        calloc(publication->generation->count + 1, sizeof(*publication->plain.staged));
    if (!publication->plain.staged) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!manifest_read(&publication->site, &publication->plain.manifest, err) ||
        !sweep(publication, err) || !check_directories(publication, &missing, err) ||
        !check_files(publication, err)) {
        return false;
    }
    check_stale(publication);
    return make_directories(publication, &missing, err) && write_files(publication, err);
}

static bool add_all(struct names *names, const struct names *more, struct error *err)
{
    for (size_t i = 0; i < more->count; i++) {
        if (!names_add(names, str_from(more->list[i]), err)) {
            return false;
        }
    }
    return true;
}

static void replace(struct names *names, struct names *by)
{
    names_done(names);
    *names = *by;
    *by = (struct names){0};
}

/* Puts old and new names into the manifest. */
static bool claim(struct publication *publication, struct error *err)
{
    struct plain *plain = &publication->plain;
    NAMES_AUTO claimed = {0};
    if (!add_all(&claimed, &plain->manifest, err) || !add_all(&claimed, &plain->files, err)) {
        return false;
    }
    if (!names_equal(&claimed, &plain->manifest) &&
        !manifest_write(&publication->site, &claimed, err)) {
        return false;
    }
    replace(&plain->manifest, &claimed);
    return true;
}

/* Directories of ours that a crash or a former template left with another mode. */
static bool mend_directories(const struct publication *publication, struct error *err)
{
    const struct names *directories = &publication->directories;
    for (size_t i = 0; i < directories->count; i++) {
        const char *path = directories->list[i];
        FD_AUTO fd = directory_open(publication->site.fd, path);
        if (fd < 0) {
            return explain_errno(&publication->site, path, "open the directory", errno, err);
        }
        if (is_to_mend(publication, path, fd) &&
            !write_attributes(&publication->site, path, fd, &publication->directory, err)) {
            return false;
        }
    }
    return true;
}

static bool rename_staged(struct publication *publication, size_t index, struct error *err)
{
    const char *path = publication->generation->files[index].path;
    char *temporary = publication->plain.staged[index];
    const char *name;
    if (!temporary[0]) {
        return true;
    }
    FD_AUTO parent = directory_open_parent(publication->site.fd, path, &name);
    if (parent < 0 || renameat(parent, temporary, parent, name) < 0) {
        return explain_errno(&publication->site, path, "replace the file", errno, err);
    }
    temporary[0] = '\0';
    return true;
}

static bool rename_files(struct publication *publication, struct error *err)
{
    for (size_t i = 0; i < publication->generation->count; i++) {
        if (!rename_staged(publication, i, err)) {
            return false;
        }
    }
    return true;
}

static bool sync_directories(const struct publication *publication, struct error *err)
{
    const struct names *directories = &publication->directories;
    for (size_t i = 0; i < directories->count; i++) {
        FD_AUTO fd = directory_open(publication->site.fd, directories->list[i]);
        if (fd < 0 || !directory_sync(fd)) {
            return explain_errno(&publication->site, directories->list[i], "write the directory",
                                 errno, err);
        }
    }
    return directory_sync(publication->site.fd) ||
           explain_errno(&publication->site, NULL, "write the directory", errno, err);
}

static bool remove_at(const struct publication *publication, const char *path, int flags)
{
    const char *name;
    FD_AUTO parent = directory_open_parent(publication->site.fd, path, &name);
    return parent >= 0 && unlinkat(parent, name, flags) == 0;
}

/* What becomes of an entry of the manifest. */
enum fate {
    FATE_GONE,  /* nothing of ours is there any more */
    FATE_OURS,  /* it stays */
    FATE_STUCK, /* it should go and cannot: the next run tries again */
};

/* `stuck`: something of ours may still be in it. */
static enum fate drop_directory(const struct publication *publication, struct str path, bool stuck)
{
    char *copy = strndup(path.bytes, path.size);
    bool ours = !copy || stuck || names_has(&publication->directories, path);
    if (!ours && !remove_at(publication, copy, AT_REMOVEDIR)) {
        /* With something in it that is not ours it goes over to whoever put that there. */
        ours = !is_gone(errno) && errno != ENOTEMPTY && errno != EEXIST;
    }
    free(copy);
    return ours ? FATE_OURS : FATE_GONE;
}

static enum fate drop_file(const struct publication *publication, const char *path,
                           struct error *err)
{
    struct stat status;
    if (names_has(&publication->plain.files, str_from(path))) {
        return FATE_OURS;
    }
    bool there = directory_stat(publication->site.fd, path, &status);
    if (there ? !S_ISREG(status.st_mode) : is_gone(errno)) {
        return FATE_GONE;
    }
    if (there && remove_at(publication, path, 0)) {
        return FATE_GONE;
    }
    explain_errno(&publication->site, path, "remove the file, which is no longer wanted", errno,
                  err);
    return FATE_STUCK;
}

/* Backwards, so that what lies in a directory goes before it. */
static bool drop_stale(const struct publication *publication, struct names *kept, struct error *err)
{
    const struct names *manifest = &publication->plain.manifest;
    bool ok = true;
    for (size_t i = manifest->count; i > 0; i--) {
        const char *entry = manifest->list[i - 1];
        struct str path;
        enum fate fate = manifest_is_directory(entry, &path)
                             ? drop_directory(publication, path, !ok)
                             : drop_file(publication, entry, err);
        ok = ok && fate != FATE_STUCK;
        if (fate != FATE_GONE && !names_add(kept, str_from(entry), err)) {
            return false;
        }
    }
    return ok;
}

static bool tidy(struct publication *publication, struct error *err)
{
    struct plain *plain = &publication->plain;
    struct error ignored; /* the longer list is still true */
    NAMES_AUTO kept = {0};
    if (!add_all(&kept, &plain->files, err)) {
        return false;
    }
    bool ok = drop_stale(publication, &kept, err);
    if (!names_equal(&kept, &plain->manifest) &&
        manifest_write(&publication->site, &kept, &ignored)) {
        replace(&plain->manifest, &kept);
    }
    return ok;
}

static bool commit(struct publication *publication, struct error *err)
{
    if (publication->changed &&
        (!claim(publication, err) || !mend_directories(publication, err) ||
         !rename_files(publication, err) || !sync_directories(publication, err))) {
        return false;
    }
    names_done(&publication->plain.made);
    return tidy(publication, err);
}

static void discard_directories(struct publication *publication)
{
    struct plain *plain = &publication->plain;
    struct error ignored;
    if (plain->made.count == 0) {
        return;
    }
    for (size_t i = plain->made.count; i > 0; i--) {
        const char *path = plain->made.list[i - 1];
        if (remove_at(publication, path, AT_REMOVEDIR) || is_gone(errno)) {
            manifest_remove_directory(&plain->manifest, path);
        }
    }
    names_done(&plain->made);
    (void)manifest_write(&publication->site, &plain->manifest, &ignored);
}

static void discard(struct publication *publication)
{
    for (size_t i = 0; publication->plain.staged && i < publication->generation->count; i++) {
        const char *temporary = publication->plain.staged[i];
        const char *name;
        if (!temporary[0]) {
            continue;
        }
        FD_AUTO parent = directory_open_parent(publication->site.fd,
                                               publication->generation->files[i].path, &name);
        if (parent >= 0) {
            (void)unlinkat(parent, temporary, 0);
        }
    }
    discard_directories(publication);
}

const struct layout_steps layout_plain = {stage, commit, discard};
