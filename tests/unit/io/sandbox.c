#include "io/sandbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* /tmp/…/a/b and /tmp/…/c, each with a file. */
static char root[64];

static const char *path(const char *below)
{
    static char whole[4][128];
    static unsigned next;
    char *into = whole[next++ % 4];
    snprintf(into, sizeof(whole[0]), "%s/%s", root, below);
    return into;
}

static void touch(const char *below)
{
    int fd = open(path(below), O_WRONLY | O_CREAT, 0600);
    cr_assert(fd >= 0);
    close(fd);
}

static void set_up(void)
{
    snprintf(root, sizeof(root), "/tmp/unit-sandbox-XXXXXX");
    cr_assert(mkdtemp(root));
    cr_assert(mkdir(path("a"), 0700) == 0 && mkdir(path("a/b"), 0700) == 0);
    cr_assert_eq(mkdir(path("c"), 0700), 0);
    touch("a/b/file");
    touch("c/file");
}

static void tear_down(void)
{
    cr_assert(unlink(path("a/b/file")) == 0 && unlink(path("c/file")) == 0);
    cr_assert(rmdir(path("a/b")) == 0 && rmdir(path("a")) == 0 && rmdir(path("c")) == 0);
    cr_assert_eq(rmdir(root), 0);
}

TestSuite(sandbox, .init = set_up, .fini = tear_down);

static void allow(struct sandbox *sandbox, const char *below, unsigned rights)
{
    struct error error;
    cr_assert(sandbox_allow(sandbox, path(below), rights, &error), "%s", error.message);
}

Test(sandbox, knows_what_it_would_allow)
{
    struct sandbox sandbox;
    sandbox_init(&sandbox);
    cr_assert(sandbox_allows(&sandbox, path("c/file"), SANDBOX_WRITE), "nothing is in force yet");
    allow(&sandbox, "a", SANDBOX_READ);
    allow(&sandbox, "a", SANDBOX_READ);
    allow(&sandbox, "a/b", SANDBOX_READ | SANDBOX_WRITE);
    allow(&sandbox, "c/file", SANDBOX_READ);
    allow(&sandbox, "none", SANDBOX_READ);
    cr_assert_eq(sandbox.count, 3, "each once, and what is not there not at all");
    sandbox.landlock = 1; /* as if */
    cr_assert(sandbox_allows(&sandbox, path("a"), SANDBOX_READ));
    cr_assert(sandbox_allows(&sandbox, path("a/b/file"), SANDBOX_READ));
    cr_assert(sandbox_allows(&sandbox, path("a/b"), SANDBOX_WRITE));
    cr_assert(sandbox_allows(&sandbox, path("a/b/file"), SANDBOX_WRITE));
    cr_assert(sandbox_allows(&sandbox, path("c/file"), SANDBOX_READ));
    cr_assert_not(sandbox_allows(&sandbox, path("a"), SANDBOX_WRITE));
    cr_assert_not(sandbox_allows(&sandbox, path("c"), SANDBOX_READ));
    cr_assert_not(sandbox_allows(&sandbox, path("c/file"), SANDBOX_WRITE));
    cr_assert_not(sandbox_allows(&sandbox, "/", SANDBOX_READ));
    sandbox_done(&sandbox);
}

/* What a child that went in finds; 77: this kernel has no Landlock. */
static int inside(void)
{
    struct sandbox sandbox;
    struct error error;
    sandbox_init(&sandbox);
    allow(&sandbox, "a", SANDBOX_READ);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !sandbox_enter(&sandbox, &error)) {
        return 1;
    }
    if (sandbox.landlock == 0) {
        return 77;
    }
    bool reads = open(path("a/b/file"), O_RDONLY) >= 0;
    bool writes = open(path("a/b/file"), O_WRONLY) >= 0;
    bool other = open(path("c/file"), O_RDONLY) >= 0;
    if (!reads || writes || other || errno != EACCES) {
        return 2;
    }
    return sandbox_refuses(AT_FDCWD, path("c/file"), R_OK) &&
                   !sandbox_refuses(AT_FDCWD, path("none"), R_OK)
               ? 0
               : 3;
}

static int status_of(int (*run)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(run());
    }
    cr_assert(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}

Test(sandbox, forbids_the_rest_and_knows_that_it_was_it)
{
    int status = status_of(inside);
    if (WEXITSTATUS(status) == 77) {
        cr_skip("this kernel has no Landlock");
    }
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x", (unsigned)status);
}
