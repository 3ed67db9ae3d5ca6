#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/sandbox.h"

enum { PIECE = 4096 };

static void close_fd(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}
#define FD_AUTO __attribute__((cleanup(close_fd))) int

static bool open_regular(const char *path, enum error_code code, int *ret_fd, struct stat *ret_stat,
                         struct error *err)
{
    FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == EACCES && sandbox_refuses(AT_FDCWD, path, R_OK)) {
        error_set(err, code,
                  "%s: outside of the sandbox: its directory came to be after connect-agent was "
                  "started, or is not one that the template named then; restart connect-agent",
                  path);
        err->number = EACCES;
        return false;
    }
    if (fd < 0 || fstat(fd, ret_stat) < 0) {
        return error_set_errno(err, code, errno, "%s", path);
    }
    if (S_ISDIR(ret_stat->st_mode)) {
        error_set(err, code,
                  "%s: Is a directory, where a file has to be (Docker makes one of a file that is "
                  "mounted and not there)",
                  path);
        err->number = EISDIR;
        return false;
    }
    if (!S_ISREG(ret_stat->st_mode)) {
        return error_set(err, code, "%s: not a regular file", path);
    }
    *ret_fd = fd;
    fd = -1;
    return true;
}

bool file_read_stream(int fd, const char *name, enum error_code code, struct buf *buf,
                      struct error *err)
{
    char piece[PIECE];
    for (;;) {
        ssize_t size = read(fd, piece, sizeof(piece));
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return error_set_errno(err, code, errno, "%s", name);
        }
        if (size == 0) {
            return true;
        }
        if (!buf_append(buf, (struct str){piece, (size_t)size}, err)) {
            err->code = code;
            return error_wrap(err, "%s", name);
        }
    }
}

bool file_read(const char *path, enum error_code code, struct buf *buf, struct error *err)
{
    FD_AUTO fd = -1;
    struct stat status;
    return open_regular(path, code, &fd, &status, err) &&
           file_read_stream(fd, path, code, buf, err);
}

bool file_read_secret(const char *path, enum error_code code, struct secret *secret,
                      unsigned *ret_mode, struct error *err)
{
    FD_AUTO fd = -1;
    struct stat status;
    if (!open_regular(path, code, &fd, &status, err)) {
        return false;
    }
    for (;;) {
        size_t at = secret_size(secret);
        if (!secret_resize(secret, at + PIECE, err)) {
            err->code = code;
            return error_wrap(err, "%s", path);
        }
        ssize_t size = read(fd, secret_bytes(secret) + at, PIECE);
        if (size < 0) {
            return error_set_errno(err, code, errno, "%s", path);
        }
        if (!secret_resize(secret, at + (size_t)size, err)) {
            return false;
        }
        if (size == 0) {
            break;
        }
    }
    if (ret_mode) {
        *ret_mode = status.st_mode & 07777;
    }
    return true;
}
