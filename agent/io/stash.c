#include "io/stash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

void stash_init(struct stash *stash)
{
    *stash = (struct stash){.fd = -1};
}

void stash_done(struct stash *stash)
{
    if (stash->fd >= 0) {
        close(stash->fd);
    }
    stash_init(stash);
}

static bool copy_mapped(int fd, struct str bytes)
{
    void *memory = mmap(NULL, bytes.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    memcpy(memory, bytes.bytes, bytes.size);
    munmap(memory, bytes.size);
    return true;
}

/* -1 when the kernel has no secret memory for it. */
static int put_secret_memory(struct str bytes)
{
    int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
    if (fd >= 0 && (ftruncate(fd, (off_t)bytes.size) < 0 || !copy_mapped(fd, bytes))) {
        close(fd);
        return -1;
    }
    return fd;
}

static int put_file(struct str bytes)
{
    int fd = memfd_create("connect-agent", MFD_CLOEXEC);
    for (size_t at = 0; fd >= 0 && at < bytes.size;) {
        ssize_t size = write(fd, bytes.bytes + at, bytes.size - at);
        if (size < 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
        at += size > 0 ? (size_t)size : 0;
    }
    return fd;
}

bool stash_put(struct stash *stash, const struct secret *bytes, struct error *err)
{
    struct str text = secret_str(bytes);
    stash_done(stash);
    if (text.size == 0) {
        return true;
    }
    int fd = put_secret_memory(text);
    if (fd < 0) {
        fd = put_file(text);
    }
    if (fd < 0) {
        return error_set_errno(err, ERROR_MEMORY, errno, "cannot put %zu bytes away", text.size);
    }
    *stash = (struct stash){fd, text.size};
    return true;
}

bool stash_replace(struct stash *stash, const struct secret *bytes, struct error *err)
{
    struct stash next;
    stash_init(&next);
    if (!stash_put(&next, bytes, err)) {
        return false;
    }
    stash_done(stash);
    *stash = next;
    return true;
}

bool stash_open(const struct stash *stash, struct str *ret_bytes, struct error *err)
{
    if (stash->fd < 0) {
        *ret_bytes = (struct str){NULL, 0};
        return true;
    }
    void *memory = mmap(NULL, stash->size, PROT_READ, MAP_SHARED, stash->fd, 0);
    if (memory == MAP_FAILED) {
        return error_set_errno(err, ERROR_MEMORY, errno, "cannot map what was put away");
    }
    (void)madvise(memory, stash->size, MADV_DONTDUMP); /* secret memory never is */
    *ret_bytes = (struct str){memory, stash->size};
    return true;
}

void stash_close(struct str bytes)
{
    if (bytes.size > 0) {
        munmap((void *)(uintptr_t)bytes.bytes, bytes.size);
    }
}

bool stash_get(const struct stash *stash, struct secret *into, struct error *err)
{
    struct str bytes = {NULL, 0};
    if (!stash_open(stash, &bytes, err)) {
        return false;
    }
    bool ok = secret_append(into, bytes, err);
    stash_close(bytes);
    return ok;
}
