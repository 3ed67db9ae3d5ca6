#include "publish/write.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/directory.h"

static bool differs(unsigned wanted, unsigned found)
{
    return wanted != (unsigned)-1 && wanted != found;
}

bool write_attributes(const struct site *site, const char *path, int fd,
                      const struct attributes *attributes, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0) {
        return explain_errno(site, path, "read its owner", errno, err);
    }
    if ((differs(attributes->uid, status.st_uid) || differs(attributes->gid, status.st_gid)) &&
        fchown(fd, attributes->uid, attributes->gid) < 0) {
        return explain_owner(site, path, attributes->uid, attributes->gid, errno, err);
    }
    /* After the owner, whose change clears bits of the mode. */
    if (fchmod(fd, attributes->mode) < 0) {
        return explain_errno(site, path, "change the mode", errno, err);
    }
    return true;
}

static bool write_bytes(int fd, struct str bytes)
{
    while (bytes.size > 0) {
        ssize_t size = write(fd, bytes.bytes, bytes.size);
        if (size < 0 && errno != EINTR) {
            return false;
        }
        bytes = str_slice(bytes, size > 0 ? (size_t)size : 0, bytes.size);
    }
    return true;
}

static bool fill(const struct site *site, const char *path, int fd,
                 const struct attributes *attributes, struct str bytes, struct error *err)
{
    if (!write_attributes(site, path, fd, attributes, err)) {
        return false;
    }
    if (!write_bytes(fd, bytes) || !directory_sync(fd)) {
        return explain_errno(site, path, "write the file", errno, err);
    }
    return true;
}

bool write_file(const struct site *site, const char *path, int directory, const char *name,
                const struct attributes *attributes, struct str bytes, struct error *err)
{
    int fd = directory_create(directory, name);
    if (fd < 0) {
        return explain_errno(site, path, "create the file", errno, err);
    }
    bool ok = fill(site, path, fd, attributes, bytes, err);
    /* Some file systems tell here what they could not write. */
    if (close(fd) < 0 && ok) {
        ok = explain_errno(site, path, "write the file", errno, err);
    }
    if (!ok) {
        (void)unlinkat(directory, name, 0);
    }
    return ok;
}
