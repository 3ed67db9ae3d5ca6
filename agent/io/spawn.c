#include "io/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/process.h"

enum { STACK_SIZE = 256 << 10, GUARD_SIZE = 64 << 10 };

/* A sanitizer knows nothing of a stack that is not a thread's. */
#define ON_ITS_OWN_STACK __attribute__((no_sanitize("address", "undefined")))

/* What the child is given, and what it gives back: it runs in our memory. */
struct start {
    const struct spawn *spawn;
    const char *path; /* of the environment; where programs are looked for */
    sigset_t blocked, defaults;
    int number; /* an errno */
};

/* --- in the child --- */

/* On to the next directory? These say that it is not in this one. */
static bool is_elsewhere(int number)
{
    return number == ENOENT || number == ENOTDIR || number == ENODEV || number == ESTALE ||
           number == ETIMEDOUT || number == EACCES;
}

/* As execvp(3), but that a file which is no program is not given to a shell. */
ON_ITS_OWN_STACK static int search(const struct start *start)
{
    const struct spawn *spawn = start->spawn;
    const char *name = spawn->arguments[0];
    int number = ENOENT;
    for (const char *at = start->path; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
        char whole[PATH_MAX];
        size_t size = strcspn(at, ":"), length = strlen(name);
        if (size + 1 + length >= sizeof(whole)) {
            continue;
        }
        memcpy(whole, at, size);
        whole[size] = '/';
        memcpy(whole + size + (size > 0), name, length + 1); /* an empty one is where we are */
        (void)execve(whole, spawn->arguments, spawn->environment);
        if (!is_elsewhere(errno)) {
            return errno;
        }
        number = errno == EACCES ? EACCES : number;
    }
    return number;
}

ON_ITS_OWN_STACK static void set_signals(const struct start *start)
{
    const struct sigaction as_usual = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) {
        if (sigismember(&start->defaults, number) == 1) {
            (void)sigaction(number, &as_usual, NULL); /* two cannot be changed, nor need it */
        }
    }
    (void)sigprocmask(SIG_SETMASK, &start->blocked, NULL);
}

ON_ITS_OWN_STACK static int set_descriptors(const struct spawn *spawn)
{
    for (int i = 0; i < 3; i++) {
        if (spawn->descriptors[i] >= 0 && dup2(spawn->descriptors[i], i) < 0) {
            return errno;
        }
    }
    if (spawn->is_bare) {
        process_close_inherited(-1);
    } else {
        process_be_as_born();
    }
    return 0;
}

ON_ITS_OWN_STACK static int run(void *context)
{
    struct start *start = context;
    const struct spawn *spawn = start->spawn;
    start->number = spawn->own_group && setpgid(0, 0) < 0 ? errno : set_descriptors(spawn);
    if (start->number == 0) {
        set_signals(start);
        if (strchr(spawn->arguments[0], '/')) {
            (void)execve(spawn->arguments[0], spawn->arguments, spawn->environment);
            start->number = errno;
        } else {
            start->number = search(start);
        }
    }
    return 127; /* nobody sees it: the number counts */
}

/* --- in the parent, who waits until it runs --- */

static void choose_signals(struct start *start)
{
    if (start->spawn->is_bare) {
        sigemptyset(&start->blocked);
        sigfillset(&start->defaults);
    } else {
        process_born_signals(&start->blocked, &start->defaults);
    }
}

int spawn_start(const struct spawn *spawn, pid_t *ret_pid)
{
    const char *path = getenv("PATH");
    struct start start = {.spawn = spawn, .path = path ? path : "/usr/local/bin:/usr/bin:/bin"};
    int flags = CLONE_VM | CLONE_VFORK | SIGCHLD | (spawn->sibling ? CLONE_PARENT : 0);
    sigset_t all, before;
    *ret_pid = 0;
    char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        return errno;
    }
    (void)mprotect(stack, GUARD_SIZE, PROT_NONE);
    choose_signals(&start);
    sigfillset(&all); /* a handler of ours must not run in the child */
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    pid_t pid = clone(run, stack + STACK_SIZE, flags, &start);
    start.number = pid < 0 ? errno : start.number;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    (void)munmap(stack, STACK_SIZE);
    *ret_pid = pid < 0 ? 0 : pid;
    return start.number;
}
