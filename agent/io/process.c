#include "io/process.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STACK_WIPED = 128 << 10, DESCRIPTORS = 1024 };

/* Of before process_harden, which is called once and first. */
static struct {
    mode_t mask;
    struct rlimit core;
    bool inherited[DESCRIPTORS]; /* what is above is never handed on */
    sigset_t blocked, ignored;
} born = {.mask = 022};

/* A closed stderr would let the next file we open receive our log. */
static void open_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

/* What runs deeper than this frame is in nobody's use. */
__attribute__((noinline)) static void wipe_stack(void)
{
    volatile char deep[STACK_WIPED];
    for (size_t i = 0; i < sizeof(deep); i++) {
        deep[i] = 0;
    }
}

void process_forget(void)
{
    malloc_trim(0);
    wipe_stack();
}

void process_seal(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    born.core = none;
}

void process_close_inherited(int keep)
{
    if (keep <= STDERR_FILENO) {
        closefrom(STDERR_FILENO + 1);
        return;
    }
    for (int fd = STDERR_FILENO + 1; fd < keep; fd++) {
        close(fd);
    }
    closefrom(keep + 1);
}

bool process_has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    close(fd);
    return true;
}

void process_note_inherited(void)
{
    struct pollfd list[DESCRIPTORS];
    struct rlimit limit;
    nfds_t count = DESCRIPTORS; /* poll(2) takes no more than there can be */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < count) {
        count = (nfds_t)limit.rlim_cur;
    }
    for (nfds_t i = 0; i < count; i++) {
        list[i] = (struct pollfd){.fd = (int)i};
    }
    bool ok = poll(list, count, 0) >= 0;
    for (nfds_t i = 0; i < count; i++) {
        born.inherited[i] = ok && (list[i].revents & POLLNVAL) == 0;
    }
}

static void close_on_exec(unsigned from, unsigned to)
{
    if (from <= to && close_range(from, to, CLOSE_RANGE_CLOEXEC) < 0) { /* before Linux 5.11 */
        for (unsigned fd = from; fd <= to && fd < DESCRIPTORS; fd++) {
            (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
        }
    }
}

/* All but those that were noted. */
static void keep_descriptors(void)
{
    unsigned from = STDERR_FILENO + 1;
    for (unsigned fd = from; fd < DESCRIPTORS; fd++) {
        if (born.inherited[fd]) {
            close_on_exec(from, fd - 1);
            from = fd + 1;
        }
    }
    close_on_exec(from, UINT_MAX);
}

void process_be_as_born(void)
{
    keep_descriptors();
    umask(born.mask);
    (void)setrlimit(RLIMIT_CORE, &born.core);
}

void process_born_signals(sigset_t *ret_blocked, sigset_t *ret_defaults)
{
    static const int ours[] = {SIGPIPE, SIGXFSZ};
    *ret_blocked = born.blocked;
    sigemptyset(ret_defaults);
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (sigismember(&born.ignored, ours[i]) == 0) {
            sigaddset(ret_defaults, ours[i]);
        }
    }
}

static void note_signals(void)
{
    struct sigaction action;
    (void)sigprocmask(SIG_BLOCK, NULL, &born.blocked);
    sigemptyset(&born.ignored);
    for (int number = 1; number < NSIG; number++) {
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            sigaddset(&born.ignored, number);
        }
    }
}

void process_harden(void)
{
    note_signals();
    (void)signal(SIGCHLD, SIG_DFL); /* ignored, children would end without a word to us */
    open_standard_descriptors();
    born.mask = umask(077);
    (void)mallopt(M_PERTURB, 0x55); /* freed memory is overwritten, that of TLS libraries too */
    if (getrlimit(RLIMIT_CORE, &born.core) == 0) {
        const struct rlimit none = {0, born.core.rlim_max}; /* not dumpable anyway */
        (void)setrlimit(RLIMIT_CORE, &none);
    }
#ifndef __SANITIZE_ADDRESS__ /* LeakSanitizer has to trace its own process */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
