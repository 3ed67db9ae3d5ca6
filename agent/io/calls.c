#include "io/calls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *calls_name(enum calls calls)
{
    static const char *const names[] = {
        [CALLS_ANY] = "none", [CALLS_DENIED] = "denied", [CALLS_LISTED] = "listed"};
    return names[calls];
}

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef ARCH

/* Nothing of ours makes these, on purpose or by way of a library: whoever does has taken over. It
 * is the end of the process, and a line of the kernel's audit. */
static const int hostile[] = {
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_getfd,
    SYS_kcmp,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_mount,
    SYS_umount2,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_mount_setattr,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_open_by_handle_at,
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setgroups,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_capset,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
};

/* What a library may try, and must do without: it is told that the kernel has none. What clone3 is
 * asked for cannot be seen here; for threads and processes libraries then use clone. */
static const int absent[] = {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
                             SYS_clone3};

enum check {
    ANY,
    SIGNALS,  /* when other processes may be signalled */
    INTERNET, /* argument 1 is a family of the Internet */
    OURSELF,  /* argument 1 is our process */
    NO_CODE,  /* argument 3 has no PROT_EXEC */
};

struct listed {
    int call;
    enum check check;
};

#ifdef AGENT_STATIC
static const enum calls kind = CALLS_LISTED;

/* Everything else does not exist (ENOSYS): that is what libraries are prepared for, should a newer
 * one prefer a newer call. */
static const struct listed list[] = {
    /* files */
    {SYS_read, ANY},
    {SYS_write, ANY},
    {SYS_readv, ANY},
    {SYS_writev, ANY},
    {SYS_pread64, ANY},
    {SYS_pwrite64, ANY},
    {SYS_close, ANY},
    {SYS_lseek, ANY},
    {SYS_openat, ANY},
    {SYS_openat2, ANY},
    {SYS_fstat, ANY},
    {SYS_newfstatat, ANY},
    {SYS_statx, ANY},
    {SYS_statfs, ANY},
    {SYS_fstatfs, ANY},
    {SYS_getdents64, ANY},
    {SYS_readlinkat, ANY},
    {SYS_faccessat, ANY},
    {SYS_faccessat2, ANY},
    {SYS_getcwd, ANY},
    {SYS_mkdirat, ANY},
    {SYS_unlinkat, ANY},
    {SYS_renameat, ANY},
    {SYS_renameat2, ANY},
    {SYS_symlinkat, ANY},
    {SYS_fchmod, ANY},
    {SYS_fchown, ANY},
    {SYS_flock, ANY},
    {SYS_fsync, ANY},
    {SYS_fdatasync, ANY},
    {SYS_ftruncate, ANY},
    {SYS_fcntl, ANY},
    {SYS_ioctl, ANY},
    /* network */
    {SYS_socket, INTERNET},
    {SYS_connect, ANY},
    {SYS_bind, ANY},
    {SYS_listen, ANY},
    {SYS_accept, ANY},
    {SYS_accept4, ANY},
    {SYS_shutdown, ANY},
    {SYS_getsockname, ANY},
    {SYS_getpeername, ANY},
    {SYS_getsockopt, ANY},
    {SYS_setsockopt, ANY},
    {SYS_sendto, ANY},
    {SYS_sendmsg, ANY},
    {SYS_sendmmsg, ANY},
    {SYS_recvfrom, ANY},
    {SYS_recvmsg, ANY},
    {SYS_recvmmsg, ANY},
    /* events and time */
    {SYS_ppoll, ANY},
    {SYS_pselect6, ANY},
    {SYS_epoll_create1, ANY},
    {SYS_epoll_ctl, ANY},
    {SYS_epoll_pwait, ANY},
    {SYS_epoll_pwait2, ANY},
    {SYS_eventfd2, ANY},
    {SYS_signalfd4, ANY},
    {SYS_timerfd_create, ANY},
    {SYS_timerfd_settime, ANY},
    {SYS_timerfd_gettime, ANY},
    {SYS_inotify_init1, ANY},
    {SYS_inotify_add_watch, ANY},
    {SYS_inotify_rm_watch, ANY},
    {SYS_pipe2, ANY},
    {SYS_clock_gettime, ANY},
    {SYS_clock_getres, ANY},
    {SYS_clock_nanosleep, ANY},
    {SYS_nanosleep, ANY},
    {SYS_gettimeofday, ANY},
    {SYS_restart_syscall, ANY},
    /* memory */
    {SYS_brk, ANY},
    {SYS_mmap, NO_CODE},
    {SYS_mprotect, NO_CODE},
    {SYS_mremap, ANY},
    {SYS_munmap, ANY},
    {SYS_madvise, ANY},
    {SYS_mlock, ANY},
    {SYS_munlock, ANY},
    {SYS_memfd_create, ANY},
#ifdef SYS_memfd_secret
    {SYS_memfd_secret, ANY},
#endif
    /* ourselves */
    {SYS_getpid, ANY},
    {SYS_gettid, ANY},
    {SYS_getuid, ANY},
    {SYS_geteuid, ANY},
    {SYS_getgid, ANY},
    {SYS_getegid, ANY},
    {SYS_uname, ANY},
    {SYS_sysinfo, ANY},
    {SYS_getrusage, ANY},
    {SYS_getrandom, ANY},
    {SYS_futex, ANY},
    {SYS_sched_yield, ANY},
    {SYS_sched_getaffinity, ANY},
    {SYS_umask, ANY},
    {SYS_rt_sigaction, ANY},
    {SYS_rt_sigprocmask, ANY},
    {SYS_rt_sigreturn, ANY},
    {SYS_sigaltstack, ANY},
    {SYS_tgkill, OURSELF},
    {SYS_exit, ANY},
    {SYS_exit_group, ANY},
    /* hooks */
    {SYS_kill, SIGNALS},
    {SYS_pidfd_open, SIGNALS},
    {SYS_pidfd_send_signal, SIGNALS},
    {SYS_wait4, SIGNALS},
    {SYS_waitid, SIGNALS},
#ifdef __x86_64__ /* aarch64 has only the newer forms */
    {SYS_open, ANY},
    {SYS_stat, ANY},
    {SYS_lstat, ANY},
    {SYS_access, ANY},
    {SYS_readlink, ANY},
    {SYS_poll, ANY},
    {SYS_epoll_wait, ANY},
    {SYS_time, ANY},
#endif
};
#else
static const enum calls kind = CALLS_DENIED;
static const struct listed list[] = {{-1, ANY}};
#endif

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define NO_CALL UINT32_MAX /* a debugger has struck the call out, and gives the answer itself */

enum { OLD_X32 = 0x40000000, STEPS_MOST = 6 }; /* for one call */

struct program {
    struct sock_filter code[24 + 2 * (COUNT(hostile) + COUNT(absent)) + STEPS_MOST * COUNT(list)];
    unsigned short size;
};

static void emit(struct program *program, struct sock_filter step)
{
    program->code[program->size++] = step;
}

static void load(struct program *program, size_t offset)
{
    emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* The next `size` steps are for this one alone. */
static void when(struct program *program, unsigned short test, uint32_t value, unsigned char size)
{
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, value, 0, size));
}

static void answer(struct program *program, uint32_t action)
{
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Arguments have 64 bits; all that are looked at here have meaning in the lower 32 alone. */
static size_t argument(size_t index)
{
    return offsetof(struct seccomp_data, args) + index * sizeof(uint64_t);
}

/* With these the call is the same as unshare. What comes after it finds the call's number again. */
static void refuse_namespaces(struct program *program)
{
    const uint32_t flags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                           CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    when(program, BPF_JEQ, SYS_clone, 4);
    load(program, argument(0));
    when(program, BPF_JSET, flags, 1);
    answer(program, SECCOMP_RET_KILL_PROCESS);
    load(program, offsetof(struct seccomp_data, nr));
}

static void begin(struct program *program)
{
    *program = (struct program){.size = 0};
    load(program, offsetof(struct seccomp_data, arch));
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
    answer(program, SECCOMP_RET_KILL_PROCESS);
    load(program, offsetof(struct seccomp_data, nr));
    when(program, BPF_JEQ, NO_CALL, 1);
    answer(program, SECCOMP_RET_ALLOW);
#ifdef __x86_64__ /* the same kernel's other set of numbers */
    when(program, BPF_JGE, OLD_X32, 1);
    answer(program, SECCOMP_RET_KILL_PROCESS);
#endif
    for (size_t i = 0; i < COUNT(hostile); i++) {
        when(program, BPF_JEQ, (uint32_t)hostile[i], 1);
        answer(program, SECCOMP_RET_KILL_PROCESS);
    }
    refuse_namespaces(program);
    for (size_t i = 0; i < COUNT(absent); i++) {
        when(program, BPF_JEQ, (uint32_t)absent[i], 1);
        answer(program, SECCOMP_RET_ERRNO | ENOSYS);
    }
}

static void allow(struct program *program, const struct listed *listed)
{
    uint32_t call = (uint32_t)listed->call;
    switch (listed->check) {
    case ANY:
    case SIGNALS:
        when(program, BPF_JEQ, call, 1);
        break;
    case INTERNET:
        when(program, BPF_JEQ, call, 5);
        load(program, argument(0));
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0));
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0));
        answer(program, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
        break;
    case OURSELF:
        when(program, BPF_JEQ, call, 4);
        load(program, argument(0));
        emit(program,
             (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 1, 0));
        answer(program, SECCOMP_RET_ERRNO | EPERM);
        break;
    case NO_CODE:
        when(program, BPF_JEQ, call, 4);
        load(program, argument(2));
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
        answer(program, SECCOMP_RET_ERRNO | EPERM);
        break;
    }
    answer(program, SECCOMP_RET_ALLOW);
}

bool calls_restrict(bool signals, enum calls *ret_calls, struct error *err)
{
    struct program program;
    begin(&program);
    for (size_t i = 0; kind == CALLS_LISTED && i < COUNT(list); i++) {
        if (list[i].check != SIGNALS || signals) {
            allow(&program, &list[i]);
        }
    }
    answer(&program, kind == CALLS_LISTED ? SECCOMP_RET_ERRNO | ENOSYS : SECCOMP_RET_ALLOW);
    const struct sock_fprog whole = {program.size, program.code};
    *ret_calls = CALLS_ANY;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &whole) == 0) {
        *ret_calls = kind;
        return true;
    }
    return errno == ENOSYS || errno == EINVAL ||
           error_set_errno(err, ERROR_SYSTEM, errno, "seccomp");
}

#else

bool calls_restrict(bool signals, enum calls *ret_calls, struct error *err)
{
    (void)signals;
    (void)err;
    *ret_calls = CALLS_ANY; /* nobody has made the list for this machine */
    return true;
}

#endif
