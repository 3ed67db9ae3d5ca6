#include "publish/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "publish/directory.h"

enum { MODE = 0755, CHUNK = 1 << 20 };

static bool fail(const char *directory, const char *what, struct error *err)
{
    if (errno == EACCES) {
        return error_set(err, ERROR_OUTPUT,
                         "%s: cannot %s: Permission denied for uid %u, gid %u; make the volume "
                         "writable for that user (Kubernetes `fsGroup:`), or install as its owner",
                         directory, what, (unsigned)geteuid(), (unsigned)getegid());
    }
    return error_set_errno(err, ERROR_OUTPUT, errno, "%s: cannot %s", directory, what);
}

/* sendfile(2) works for every kind of source and destination; copy_file_range(2) does not. */
static bool copy_bytes(int from, int to)
{
    ssize_t sent;
    do {
        sent = sendfile(to, from, NULL, CHUNK);
    } while (sent > 0 || (sent < 0 && errno == EINTR));
    return sent == 0 && fchmod(to, MODE) == 0;
}

static bool copy_into(int from, int directory_fd, const char *directory, const char *name,
                      struct error *err)
{
    char temporary[64];
    snprintf(temporary, sizeof(temporary), ".%.32s.%08x", name, random_number());
    FD_AUTO to =
        openat(directory_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0700);
    if (to < 0) {
        return fail(directory, "make a file in it", err);
    }
    if (!copy_bytes(from, to)) {
        fail(directory, "write the program", err);
        (void)unlinkat(directory_fd, temporary, 0);
        return false;
    }
    if (renameat(directory_fd, temporary, directory_fd, name) < 0) {
        fail(directory, "put the program in its place", err);
        (void)unlinkat(directory_fd, temporary, 0);
        return false;
    }
    return true;
}

bool copy_program(const char *source, const char *directory, const char *name, struct error *err)
{
    FD_AUTO from = open(source, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        return error_set_errno(err, ERROR_OUTPUT, errno, "%s: cannot read it", source);
    }
    FD_AUTO directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd < 0) {
        return fail(directory, "open the directory; mount a volume there", err);
    }
    return copy_into(from, directory_fd, directory, name, err);
}
