#include "publish/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/limits.h"

enum { REMOVE_DEPTH = LIMIT_PATH_DEPTH + 2 };

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int open_component(int directory, const char *name, int flags, mode_t mode)
{
    if (strcmp(name, "..") == 0) {
        errno = EXDEV;
        return -1;
    }
    return openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

/* What openat2 does, for kernels and seccomp profiles that do not know it. */
static int walk(int root, const char *path, int flags, mode_t mode)
{
    FD_AUTO held = -1;
    char name[LIMIT_NAME + 1];
    int at = root;
    for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
        size_t size = (size_t)(slash - path);
        if (size == 0 || size > LIMIT_NAME) {
            errno = size == 0 ? EXDEV : ENAMETOOLONG;
            return -1;
        }
        memcpy(name, path, size);
        name[size] = '\0';
        at = open_component(at, name, O_PATH | O_DIRECTORY, 0);
        if (at < 0) {
            return -1;
        }
        fd_cleanup(&held);
        held = at;
    }
    return open_component(at, path, flags, mode);
}

static int open_beneath(int root, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_NOFOLLOW | O_CLOEXEC),
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) {
        return (int)fd;
    }
    return walk(root, path, flags, mode);
}

int directory_open(int root, const char *path)
{
    return open_beneath(root, path, O_RDONLY | O_DIRECTORY, 0);
}

int directory_open_file(int root, const char *path)
{
    return open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
}

int directory_open_parent(int root, const char *path, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        *ret_name = path;
        return directory_open(root, ".");
    }
    char *parent = strndup(path, (size_t)(slash - path));
    if (!parent) {
        return -1;
    }
    *ret_name = slash + 1;
    int fd = directory_open(root, parent);
    int saved = errno;
    free(parent);
    errno = saved;
    return fd;
}

int directory_create(int directory, const char *name)
{
    return open_beneath(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY, 0);
}

bool directory_make(int root, const char *path)
{
    const char *name;
    FD_AUTO parent = directory_open_parent(root, path, &name);
    return parent >= 0 && mkdirat(parent, name, S_IRWXU) == 0;
}

bool directory_stat(int root, const char *path, struct stat *ret_stat)
{
    FD_AUTO fd = open_beneath(root, path, O_PATH, 0);
    return fd >= 0 && fstat(fd, ret_stat) == 0;
}

bool directory_read_link(int directory, const char *name, size_t size, char *out)
{
    ssize_t length = readlinkat(directory, name, out, size);
    if (length < 0 || (size_t)length >= size) {
        return false;
    }
    out[length] = '\0';
    return true;
}

bool directory_list(int directory, struct names *names)
{
    struct error ignored; /* only memory can be out */
    int fd = directory_open(directory, ".");
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (!stream) {
        fd_cleanup(&fd);
        return false;
    }
    bool ok = true;
    errno = 0;
    for (struct dirent *entry; ok && (entry = readdir(stream));) {
        ok = is_dots(entry->d_name) || names_add(names, str_from(entry->d_name), &ignored);
        errno = ok ? 0 : ENOMEM;
    }
    int number = errno;
    closedir(stream);
    errno = number;
    return number == 0;
}

bool directory_sync(int directory)
{
    return fsync(directory) == 0 || errno == EINVAL; /* not every file system can */
}

static bool remove_entry(int directory, const char *name, unsigned depth);

static bool remove_entries(int fd, unsigned depth)
{
    NAMES_AUTO names = {0};
    struct stat status;
    bool ok = directory_list(fd, &names);
    /* A directory mode without `w` would keep its owner from removing what lies in it. */
    if (ok && names.count > 0 && fstat(fd, &status) == 0 && (status.st_mode & S_IRWXU) != S_IRWXU) {
        (void)fchmod(fd, S_IRWXU);
    }
    for (size_t i = 0; i < names.count; i++) {
        ok = remove_entry(fd, names.list[i], depth) && ok;
    }
    return ok;
}

static bool remove_entry(int directory, const char *name, unsigned depth)
{
    if (unlinkat(directory, name, 0) == 0 || errno == ENOENT) {
        return true;
    }
    if (errno != EISDIR || depth == 0) {
        return false;
    }
    FD_AUTO fd = directory_open(directory, name);
    return fd >= 0 && remove_entries(fd, depth - 1) &&
           (unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT);
}

bool directory_remove(int directory, const char *name)
{
    return remove_entry(directory, name, REMOVE_DEPTH);
}
