#include "publish/compare.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "publish/directory.h"

enum {
    ROOM = 16 << 10,
    FILE_BITS = 07777,
    DIRECTORY_BITS = 0777, /* the kernel drops or adds the others */
};

static bool same_attributes(const struct stat *status, const struct attributes *attributes,
                            mode_t bits)
{
    return (status->st_mode & bits) == (attributes->mode & bits) &&
           (attributes->uid == (uid_t)-1 || attributes->uid == status->st_uid) &&
           (attributes->gid == (gid_t)-1 || attributes->gid == status->st_gid);
}

static bool same_bytes(int fd, struct str bytes, struct secret *room)
{
    for (;;) {
        ssize_t size = read(fd, secret_bytes(room), secret_size(room));
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return size == 0 && bytes.size == 0;
        }
        struct str found = {secret_bytes(room), (size_t)size};
        if (!str_equal(found, str_slice(bytes, 0, found.size))) {
            return false;
        }
        bytes = str_slice(bytes, found.size, bytes.size);
    }
}

struct secret *compare_room(struct error *err)
{
    struct secret *room = secret_new(ROOM);
    if (!room) {
        error_set(err, ERROR_MEMORY, "out of memory");
    } else if (!secret_resize(room, ROOM, err)) {
        secret_free(room);
        room = NULL;
    }
    return room;
}

bool compare_file(int root, const struct generation_file *file, struct secret *room)
{
    struct stat status;
    struct str bytes = secret_str(file->bytes);
    struct attributes attributes = {file->mode, file->uid, file->gid};
    if (!directory_stat(root, file->path, &status) || !S_ISREG(status.st_mode) ||
        (size_t)status.st_size != bytes.size || !same_attributes(&status, &attributes, FILE_BITS)) {
        return false;
    }
    FD_AUTO fd = directory_open_file(root, file->path);
    return fd >= 0 && same_bytes(fd, bytes, room);
}

bool compare_directory(int fd, const struct attributes *attributes)
{
    struct stat status;
    return fd >= 0 && fstat(fd, &status) == 0 &&
           same_attributes(&status, attributes, DIRECTORY_BITS);
}

/* Entries directly in a directory must number what the set puts there. */
static size_t expected(const struct generation *generation, const struct names *directories,
                       const char *directory)
{
    size_t count = 0;
    size_t size = strlen(directory);
    size_t skip = size > 0 ? size + 1 : 0;
    for (size_t i = 0; i < generation->count + directories->count; i++) {
        const char *path = i < generation->count ? generation->files[i].path
                                                 : directories->list[i - generation->count];
        if (strncmp(path, directory, size) == 0 && (size == 0 || path[size] == '/') &&
            !strchr(path + skip, '/')) {
            count++;
        }
    }
    return count;
}

static bool same_entries(int fd, size_t count)
{
    NAMES_AUTO names = {0};
    return directory_list(fd, &names) && names.count == count;
}

bool compare_tree(int root, const struct generation *generation, const struct names *directories,
                  const struct attributes *attributes, struct secret *room)
{
    if (!compare_directory(root, attributes) ||
        !same_entries(root, expected(generation, directories, ""))) {
        return false;
    }
    for (size_t i = 0; i < directories->count; i++) {
        FD_AUTO fd = directory_open(root, directories->list[i]);
        if (!compare_directory(fd, attributes) ||
            !same_entries(fd, expected(generation, directories, directories->list[i]))) {
            return false;
        }
    }
    for (size_t i = 0; i < generation->count; i++) {
        if (!compare_file(root, &generation->files[i], room)) {
            return false;
        }
    }
    return true;
}
