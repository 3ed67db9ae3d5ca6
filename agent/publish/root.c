#include "publish/root.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>

#include "publish/directory.h"
#include "publish/explain.h"
#include "publish/write.h"

enum { PARENT_MODE = 0755 };

/* One step of the way from / to the directory. */
struct step {
    const struct output *output;
    struct site site; /* the path so far, and the directory before its last component */
    char name[LIMIT_NAME + 1];
    bool last;
};

static bool is_memory(const struct statfs *status)
{
    uint32_t type = (uint32_t)status->f_type;
    return type == TMPFS_MAGIC || type == (uint32_t)RAMFS_MAGIC;
}

bool root_is_memory(const char *directory)
{
    struct statfs status;
    return statfs(directory, &status) == 0 && is_memory(&status);
}

static bool check_memory(const struct output *output, const struct site *site, struct error *err)
{
    struct statfs status;
    if (output->allow_disk) {
        return true;
    }
    if (fstatfs(site->fd, &status) < 0) {
        return explain_errno(site, NULL, "find its file system", errno, err);
    }
    return is_memory(&status) || explain_disk(site, (uint32_t)status.f_type, err);
}

/* Parents may be symlinks, as /var/run is, and need only be searchable. */
static int open_step(const struct step *step)
{
    int flags = step->last ? O_RDONLY | O_NOFOLLOW : O_PATH;
    return openat(step->site.fd, step->name, flags | O_DIRECTORY | O_CLOEXEC);
}

/* Without its mode and owner a new directory would pass for one that the user made so. */
static bool finish(const struct step *step, int fd, struct error *err)
{
    const struct output *output = step->output;
    struct site site = {step->site.directory, fd, 0};
    struct attributes attributes = {PARENT_MODE, (uid_t)OWNER_UNSET, (gid_t)OWNER_UNSET};
    if (step->last) {
        attributes = (struct attributes){output->directory_mode, output->uid, output->gid};
    }
    if (write_attributes(&site, NULL, fd, &attributes, err)) {
        return true;
    }
    (void)unlinkat(step->site.fd, step->name, AT_REMOVEDIR);
    return false;
}

static bool make_step(const struct step *step, int *ret_fd, struct error *err)
{
    if (!check_memory(step->output, &step->site, err)) {
        return false;
    }
    bool made = mkdirat(step->site.fd, step->name, S_IRWXU) == 0;
    if (!made && errno != EEXIST) {
        return explain_errno(&step->site, NULL, "make the directory", errno, err);
    }
    FD_AUTO fd = openat(step->site.fd, step->name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return explain_errno(&step->site, NULL, "open the directory", errno, err);
    }
    if (made && !finish(step, fd, err)) {
        return false;
    }
    *ret_fd = fd;
    fd = -1;
    return true;
}

static bool refuse_step(const struct step *step, int number, struct error *err)
{
    struct stat status;
    if (step->last && fstatat(step->site.fd, step->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(status.st_mode)) {
        return error_set(err, ERROR_OUTPUT,
                         "%s is a symlink; connect-agent does not write through symlinks: name the "
                         "directory that it leads to",
                         step->site.directory);
    }
    return explain_errno(&step->site, NULL, "open the directory", number, err);
}

static bool take_step(const struct step *step, int *ret_fd, struct error *err)
{
    int fd = open_step(step);
    if (fd < 0 && errno == ENOENT) {
        return make_step(step, ret_fd, err);
    }
    if (fd < 0) {
        return refuse_step(step, errno, err);
    }
    *ret_fd = fd;
    return true;
}

/* Goes to the component at `at` of the path and closes *fd, the directory before it. */
static bool enter(const struct output *output, const char *at, size_t size, int *fd,
                  struct error *err)
{
    char so_far[LIMIT_MESSAGE];
    int next = -1;
    struct step step = {.output = output, .last = at[size + strspn(at + size, "/")] == '\0'};
    snprintf(so_far, sizeof(so_far), "%.*s", (int)(at - output->directory + (ptrdiff_t)size),
             output->directory);
    step.site = (struct site){so_far, *fd, 0};
    if (size > LIMIT_NAME) {
        return explain_errno(&step.site, NULL, "open the directory", ENAMETOOLONG, err);
    }
    memcpy(step.name, at, size);
    if (!take_step(&step, &next, err)) {
        return false;
    }
    close(*fd);
    *fd = next;
    return true;
}

static bool lock(const struct site *site, struct error *err)
{
    if (flock(site->fd, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    if (errno != EWOULDBLOCK) {
        return explain_errno(site, NULL, "lock the directory", errno, err);
    }
    return error_set(err, ERROR_OUTPUT,
                     "%s: another connect-agent is publishing here; give each its own directory",
                     site->directory);
}

bool root_open(const struct output *output, int *ret_fd, struct error *err)
{
    struct site site = {output->directory, -1, 0};
    FD_AUTO fd = open(output->directory[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return explain_errno(&site, NULL, "open the directory", errno, err);
    }
    const char *at = output->directory + strspn(output->directory, "/");
    while (*at) {
        size_t size = strcspn(at, "/");
        if (!enter(output, at, size, &fd, err)) {
            return false;
        }
        at += size;
        at += strspn(at, "/");
    }
    site.fd = fd;
    if (!check_memory(output, &site, err) || !lock(&site, err)) {
        return false;
    }
    *ret_fd = fd;
    fd = -1;
    return true;
}
