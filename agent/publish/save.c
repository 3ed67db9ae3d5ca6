#include "publish/save.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "model/template.h"
#include "publish/explain.h"
#include "publish/write.h"

/* Where the file goes, taken apart. */
struct target {
    char directory[PATH_MAX];
    char name[NAME_MAX + 1];
    char draft[NAME_MAX + 1]; /* what it is called until it is whole */
    int fd;                   /* of the directory */
};

static bool take_apart(const char *path, struct target *target, struct error *err)
{
    char copy[PATH_MAX];
    int size = snprintf(copy, sizeof(copy), "%s", path);
    if (size == 0 || (size_t)size >= sizeof(copy) || copy[size - 1] == '/') {
        return error_set(err, ERROR_OUTPUT, "%s: not the path of a file", path);
    }
    const char *base = strrchr(copy, '/') ? strrchr(copy, '/') + 1 : copy;
    if (strlen(base) > NAME_MAX || strcmp(base, ".") == 0 || strcmp(base, "..") == 0) {
        return error_set(err, ERROR_OUTPUT, "%s: not the path of a file", path);
    }
    memcpy(target->name, base, strlen(base) + 1);
    snprintf(target->draft, sizeof(target->draft), ".connect-agent-%08x", random_number());
    snprintf(target->directory, sizeof(target->directory), "%s", dirname(copy));
    target->fd = open(target->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return target->fd >= 0 ||
           error_set_errno(err, ERROR_OUTPUT, errno, "%s: cannot open its directory", path);
}

static bool check_target(const struct target *target, const char *path, bool replace,
                         struct error *err)
{
    struct stat status;
    if (fstatat(target->fd, target->name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno == ENOENT || error_set_errno(err, ERROR_OUTPUT, errno, "%s", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(err, ERROR_OUTPUT,
                         "%s: is there, and no regular file; only such a one is replaced", path);
    }
    return replace ||
           error_set(err, ERROR_OUTPUT, "%s: is there already; --force replaces it", path);
}

/* The draft gets its name. Without `replace` not even a file that came in the meantime is lost. */
static bool reveal(const struct target *target, const char *path, bool replace, struct error *err)
{
    unsigned flags = replace ? 0 : RENAME_NOREPLACE;
    if (renameat2(target->fd, target->draft, target->fd, target->name, flags) == 0) {
        return true;
    }
    error_set_errno(err, ERROR_OUTPUT, errno, "%s: cannot rename to it", path);
    (void)unlinkat(target->fd, target->draft, 0);
    return false;
}

bool save_file(const char *path, mode_t mode, bool replace, struct str bytes, struct error *err)
{
    struct target target;
    if (!take_apart(path, &target, err)) {
        return false;
    }
    const struct site site = {target.directory, target.fd, bytes.size};
    const struct attributes attributes = {mode, (uid_t)OWNER_UNSET, (gid_t)OWNER_UNSET};
    bool ok = check_target(&target, path, replace, err) &&
              write_file(&site, target.name, target.fd, target.draft, &attributes, bytes, err) &&
              reveal(&target, path, replace, err);
    close(target.fd);
    return ok;
}
