/* Preloaded into the agent: the allocation number FAIL_AT fails, and with FAIL_ON=1 all after it.
 * The number of allocations so far is written to the file COUNT_TO, if that is set, when the
 * process ends. Counts malloc, calloc, realloc and anonymous mmap as the program and its libraries
 * call them. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* NOLINTBEGIN(readability-identifier-naming): glibc's own names of what is replaced here */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *bytes, size_t size);
/* NOLINTEND(readability-identifier-naming) */

static long count;
static long fail_at = -1; /* -1: not asked yet; 0: never */

static long number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

static bool fails(void)
{
    if (fail_at < 0) {
        fail_at = number_of("FAIL_AT");
    }
    count++;
    bool failing = fail_at > 0 && (count == fail_at || (count > fail_at && number_of("FAIL_ON")));
    if (failing) {
        errno = ENOMEM;
    }
    return failing;
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the headers' are reserved */
void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t members, size_t size)
{
    return fails() ? NULL : __libc_calloc(members, size);
}

void *realloc(void *bytes, size_t size)
{
    return fails() ? NULL : __libc_realloc(bytes, size);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    static void *(*next)(void *, size_t, int, int, int, off_t);
    if (!next) {
        *(void **)&next = dlsym(RTLD_NEXT, "mmap");
    }
    if ((flags & MAP_ANONYMOUS) && fails()) {
        return MAP_FAILED;
    }
    return next(address, size, protection, flags, fd, offset);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("COUNT_TO");
    if (path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd >= 0) {
            dprintf(fd, "%ld\n", count);
            close(fd);
        }
    }
}
