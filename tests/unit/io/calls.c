#include "io/calls.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static enum calls restricted(void)
{
    enum calls calls = CALLS_ANY;
    struct error error;
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return calls_restrict(false, &calls, &error) ? calls : CALLS_ANY;
}

static int call(long number)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        if (restricted() == CALLS_ANY) {
            _exit(77);
        }
        errno = 0;
        (void)syscall(number, 0, 0, 0, 0, 0, 0);
        _exit(errno == ENOSYS ? 38 : 0);
    }
    cr_assert(child > 0 && waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        cr_skip("no filter of system calls on this kernel or machine");
    }
    return status;
}

Test(calls, ends_an_intruder)
{
    const long hostile[] = {SYS_execve, SYS_execveat, SYS_ptrace,  SYS_process_vm_readv,
                            SYS_setuid, SYS_mount,    SYS_unshare, SYS_bpf};
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        int status = call(hostile[i]);
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "call %ld", hostile[i]);
    }
}

#ifdef __x86_64__
Test(calls, ends_who_uses_the_other_numbers_of_this_machine)
{
    int status = call(0x40000000 + SYS_getpid);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}
#endif

Test(calls, lets_the_rest_be)
{
    int status = call(SYS_getpid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    status = call(SYS_io_uring_setup);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 38, "it does not exist");
    status = call(-1);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 38, "a debugger strikes calls out so");
}
