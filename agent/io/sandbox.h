/* What the kernel forbids this process from here on, and for good: files but those that were
 * allowed (Landlock), and system calls that it has no use for (seccomp). Both as far as the kernel
 * has them; older ones forbid less. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "io/calls.h"

/* Reading is of files and of lists of directories; writing is that, and making, changing, renaming
 * and removing files, directories and symlinks, but never devices, pipes and sockets. */
enum { SANDBOX_READ = 1, SANDBOX_WRITE = 2 };

enum { SANDBOX_SIGNALS_FROM = 6 }; /* the version of Landlock that knows of signals */

/* A file, or a directory with everything below it: the one that is there now, whatever has its name
 * later. */
struct sandbox_rule {
    char *path; /* owned */
    dev_t device;
    ino_t inode;
    unsigned rights;
};

struct sandbox {
    struct sandbox_rule *rules; /* owned */
    size_t count;
    bool signals; /* other processes may be signalled */
    int landlock; /* its version (ABI) that is in force; 0: none */
    enum calls calls;
};

void sandbox_init(struct sandbox *sandbox);
void sandbox_done(struct sandbox *sandbox);

/* Before sandbox_enter. What is not there cannot be allowed: then nothing happens. */
bool sandbox_allow(struct sandbox *sandbox, const char *path, unsigned rights, struct error *err);

/* For this thread and all that it starts. What a kernel lacks is left out; an error is what no
 * kernel should say, and leaves the process as far as it got. */
bool sandbox_enter(struct sandbox *sandbox, struct error *err);

/* Does a rule that is in force cover what is there now? True where Landlock is not in force. */
bool sandbox_allows(const struct sandbox *sandbox, const char *path, unsigned rights);

/* After EACCES: is it the sandbox that refuses, and not the owner and mode of the file? `mode` as
 * for access(2). */
bool sandbox_refuses(int directory, const char *path, int mode);
