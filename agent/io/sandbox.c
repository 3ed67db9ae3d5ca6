#include "io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of some systems we are built on. */
enum {
    ACCESS_TRUNCATE = 1 << 14,      /* ABI 3, Linux 6.2 */
    ACCESS_IOCTL_DEV = 1 << 15,     /* ABI 5, Linux 6.10 */
    SCOPE_ABSTRACT_SOCKET = 1 << 0, /* ABI 6, Linux 6.12 */
    SCOPE_SIGNAL = 1 << 1,
    ABI_KNOWN = SANDBOX_SIGNALS_FROM, /* what newer ones add is not asked for */
};

/* struct landlock_ruleset_attr as of ABI 6; an older kernel takes it while the rest is zero. */
struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

enum {
    FILES_FIRST = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1, /* all of ABI 1 */
    FILES_READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    FILES_WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM,
    /* Rights that a file can have; others are refused for it. */
    FILES_OF_A_FILE =
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE,
};

static bool in_force; /* of this process, for sandbox_refuses */

void sandbox_init(struct sandbox *sandbox)
{
    *sandbox = (struct sandbox){.count = 0};
}

void sandbox_done(struct sandbox *sandbox)
{
    for (size_t i = 0; i < sandbox->count; i++) {
        free(sandbox->rules[i].path);
    }
    free(sandbox->rules);
    sandbox_init(sandbox);
}

static bool covers(const struct sandbox *sandbox, const struct stat *status, unsigned rights)
{
    for (size_t i = 0; i < sandbox->count; i++) {
        const struct sandbox_rule *rule = &sandbox->rules[i];
        if (rule->device == status->st_dev && rule->inode == status->st_ino &&
            (rule->rights & rights) == rights) {
            return true;
        }
    }
    return false;
}

static bool make_room(struct sandbox *sandbox)
{
    struct sandbox_rule *rules =
        reallocarray(sandbox->rules, sandbox->count + 1, sizeof(*sandbox->rules));
    sandbox->rules = rules ? rules : sandbox->rules;
    return rules != NULL;
}

bool sandbox_allow(struct sandbox *sandbox, const char *path, unsigned rights, struct error *err)
{
    struct stat status;
    char *copy;
    if (stat(path, &status) < 0 || covers(sandbox, &status, rights)) {
        return true;
    }
    if (!make_room(sandbox) || asprintf(&copy, "%s", path) < 0) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    sandbox->rules[sandbox->count++] =
        (struct sandbox_rule){copy, status.st_dev, status.st_ino, rights};
    return true;
}

/* --- Landlock --- */

/* 0: this kernel has none, or it is switched off. */
static int landlock_version(void)
{
    long version =
        syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : version > ABI_KNOWN ? ABI_KNOWN : (int)version;
}

static struct ruleset ruleset_of(int version, bool signals)
{
    struct ruleset ruleset = {.files = FILES_FIRST};
    ruleset.files |= version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0;
    ruleset.files |= version >= 3 ? ACCESS_TRUNCATE : 0;
    ruleset.files |= version >= 5 ? ACCESS_IOCTL_DEV : 0;
    if (version >= SANDBOX_SIGNALS_FROM) {
        ruleset.scopes = SCOPE_ABSTRACT_SOCKET | (signals ? 0 : SCOPE_SIGNAL);
    }
    return ruleset;
}

static bool add_rule(int ruleset_fd, const struct ruleset *ruleset, const struct sandbox_rule *rule,
                     struct error *err)
{
    struct stat status;
    struct landlock_path_beneath_attr beneath = {
        .parent_fd = open(rule->path, O_PATH | O_CLOEXEC),
        .allowed_access = FILES_READ | (rule->rights & SANDBOX_WRITE ? FILES_WRITE : 0),
    };
    if (beneath.parent_fd < 0 || fstat(beneath.parent_fd, &status) < 0) {
        if (beneath.parent_fd >= 0) {
            close(beneath.parent_fd);
        }
        return true; /* gone meanwhile */
    }
    beneath.allowed_access &= ruleset->files;
    beneath.allowed_access &= S_ISDIR(status.st_mode) ? ~0ULL : FILES_OF_A_FILE;
    bool ok =
        syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
    int number = errno;
    close(beneath.parent_fd);
    return ok || error_set_errno(err, ERROR_SYSTEM, number, "landlock_add_rule %s", rule->path);
}

static bool restrict_files(const struct sandbox *sandbox, int version, struct error *err)
{
    const struct ruleset ruleset = ruleset_of(version, sandbox->signals);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
    if (fd < 0) {
        return error_set_errno(err, ERROR_SYSTEM, errno, "landlock_create_ruleset");
    }
    bool ok = true;
    for (size_t i = 0; ok && i < sandbox->count; i++) {
        ok = add_rule(fd, &ruleset, &sandbox->rules[i], err);
    }
    if (ok && syscall(SYS_landlock_restrict_self, fd, 0) < 0) {
        ok = error_set_errno(err, ERROR_SYSTEM, errno, "landlock_restrict_self");
    }
    close(fd);
    return ok;
}

bool sandbox_enter(struct sandbox *sandbox, struct error *err)
{
    int version = landlock_version();
    struct error failed;
    bool ok = version == 0 || restrict_files(sandbox, version, &failed);
    if (ok) {
        sandbox->landlock = version;
        in_force = version > 0;
    }
    /* One does not wait for the other. */
    bool calls = calls_restrict(sandbox->signals, &sandbox->calls, ok ? &failed : err);
    if (!ok || !calls) {
        *err = failed;
    }
    return ok && calls;
}

/* --- what it forbids --- */

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* From the directory `fd`, which is closed, up to the root, as the kernel goes. */
static bool covers_above(const struct sandbox *sandbox, int fd, unsigned rights)
{
    struct stat status, below = {.st_ino = 0};
    bool found = false;
    while (fd >= 0 && fstat(fd, &status) == 0 && !is_same(&status, &below)) {
        found = covers(sandbox, &status, rights);
        int above = found ? -1 : openat(fd, "..", O_PATH | O_CLOEXEC);
        below = status;
        close(fd);
        fd = above;
    }
    if (fd >= 0) {
        close(fd);
    }
    return found;
}

bool sandbox_allows(const struct sandbox *sandbox, const char *path, unsigned rights)
{
    struct stat status;
    if (sandbox->landlock == 0) {
        return true;
    }
    if (stat(path, &status) == 0 && covers(sandbox, &status, rights)) {
        return true;
    }
    char *copy = strdup(path);
    char *slash = copy ? strrchr(copy, '/') : NULL;
    if (slash && stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
        slash[slash == copy] = '\0'; /* the directory that holds it */
    }
    int fd = copy ? open(copy, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    free(copy);
    return covers_above(sandbox, fd, rights);
}

bool sandbox_refuses(int directory, const char *path, int mode)
{
    int saved = errno;
    bool refuses = in_force && faccessat(directory, path, mode, AT_EACCESS) == 0;
    errno = saved;
    return refuses;
}
