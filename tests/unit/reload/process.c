#include "reload/process.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that tells of each signal through one pipe and takes orders through another: 'n' be
 * another name, 'f' fork a worker of the same name. */
struct child {
    pid_t pid;
    int events;
    int orders;
};

static char name[16];
static int tell_fd;
static int proc_fd;

static void tell(int signal)
{
    char byte = (char)signal;
    (void)!write(tell_fd, &byte, 1);
}

static void obey(int orders, int events)
{
    char order;
    tell_fd = events;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, name);
    (void)signal(SIGHUP, tell);
    (void)signal(SIGUSR1, tell);
    tell(0);
    for (;;) {
        ssize_t got = read(orders, &order, 1);
        if (got == 0) {
            _exit(0);
        }
        if (got == 1 && order == 'f' && fork() == 0) {
            (void)signal(SIGHUP, SIG_DFL);
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            tell('w');
        } else if (got == 1 && order == 'n') {
            (void)prctl(PR_SET_NAME, "somebody-else");
            tell('n');
        }
    }
}

/* Waits for the byte; 0 at the end. */
static int next_event(const struct child *child)
{
    char byte;
    return read(child->events, &byte, 1) == 1 ? byte : -1;
}

static struct child start_child(void)
{
    int events[2], orders[2];
    cr_assert(pipe2(events, O_CLOEXEC) == 0 && pipe2(orders, O_CLOEXEC) == 0);
    struct child child = {fork(), events[0], orders[1]};
    cr_assert(child.pid >= 0);
    if (child.pid == 0) {
        close(orders[1]);
        close(events[0]);
        obey(orders[0], events[1]);
    }
    close(events[1]);
    close(orders[0]);
    cr_assert_eq(next_event(&child), 0);
    return child;
}

static void order(const struct child *child, char what)
{
    cr_assert_eq(write(child->orders, &what, 1), 1);
    int event = next_event(child);
    cr_assert(event == what || event == 'w');
}

static void end_child(struct child *child)
{
    (void)kill(child->pid, SIGKILL);
    cr_assert_eq(waitpid(child->pid, NULL, 0), child->pid);
    close(child->events);
    close(child->orders);
}

static void open_proc(void)
{
    snprintf(name, sizeof(name), "ca-%d", (int)getpid());
    proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(proc_fd, 0);
}

static void close_proc(void)
{
    close(proc_fd);
}

TestSuite(process, .init = open_proc, .fini = close_proc, .timeout = 30);

static void expect_signalled(const struct hook *hook, const struct child *child)
{
    struct error error;
    size_t count = 0;
    bool ok = process_signal(proc_fd, hook, &count, &error);
    cr_assert(ok, "%s", error.message);
    cr_expect_eq(count, 1);
    cr_expect_eq(next_event(child), hook->signal);
}

Test(process, is_found_by_name)
{
    struct child child = start_child();
    expect_signalled(&(struct hook){.signal = SIGHUP, .process = name}, &child);
    expect_signalled(&(struct hook){.signal = SIGUSR1, .process = name}, &child);
    end_child(&child);
}

static void copy_program(const char *from, const char *to)
{
    struct stat status;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    cr_assert(in >= 0 && out >= 0 && fstat(in, &status) == 0);
    for (off_t at = 0; at < status.st_size;) {
        cr_assert_gt(sendfile(out, in, &at, (size_t)(status.st_size - at)), 0);
    }
    close(in);
    close(out);
}

/* A copy of a program, by the path or by what it was started as: its comm is another. */
static pid_t start_copy(const char *path, int *ret_out)
{
    int in[2], out[2];
    char byte = 'x';
    cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execl(path, "/opt/the-name-it-was-started-as", (char *)NULL);
        _exit(127);
    }
    /* Copies its input, so it runs. */
    cr_assert_eq(write(in[1], &byte, 1), 1);
    cr_assert_eq(read(out[0], &byte, 1), 1);
    *ret_out = in[1];
    return pid;
}

static void expect_killed(const struct hook *hook, pid_t pid)
{
    struct error error;
    size_t count = 0;
    int status;
    bool ok = process_signal(proc_fd, hook, &count, &error);
    cr_assert(ok, "%s", error.message);
    cr_expect_eq(count, 1);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == hook->signal);
}

Test(process, is_found_by_what_it_was_started_as_and_by_its_program)
{
    char folder[] = "/tmp/process-XXXXXX";
    char path[64];
    int in;
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/copy", folder);
    copy_program("/bin/cat", path);
    pid_t pid = start_copy(path, &in);
    expect_killed(&(struct hook){.signal = SIGTERM, .process = "the-name-it-was-started-as"}, pid);
    pid = start_copy(path, &in);
    expect_killed(&(struct hook){.signal = SIGTERM, .exe = path}, pid);
    pid = start_copy(path, &in);
    unlink(path); /* upgraded in place */
    expect_killed(&(struct hook){.signal = SIGTERM, .exe = path}, pid);
    rmdir(folder);
}

static void write_pid_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void expect_failure(const struct hook *hook, const char *expected)
{
    struct error error;
    size_t count = 0;
    cr_expect_not(process_signal(proc_fd, hook, &count, &error));
    cr_expect(strstr(error.message, expected), "%s", error.message);
    cr_expect_eq(error.code, ERROR_HOOK);
}

Test(process, is_found_by_its_pid_file)
{
    char path[64], text[64];
    snprintf(path, sizeof(path), "/tmp/%s.pid", name);
    struct hook hook = {.signal = SIGHUP, .pid_file = path};
    struct child child = start_child();
    snprintf(text, sizeof(text), "%d\nmore\n", (int)child.pid);
    write_pid_file(path, text);
    expect_signalled(&hook, &child);
    end_child(&child);
    expect_failure(&hook, "names a process that is not there");
    snprintf(text, sizeof(text), "%d", (int)getpid());
    write_pid_file(path, text);
    expect_failure(&hook, "which is connect-agent itself");
    static const char *const wrong[] = {"", "0\n", "-1\n", "12x\n", "99999999999\n"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        write_pid_file(path, wrong[i]);
        expect_failure(&hook, "no number of a process");
    }
    unlink(path);
    expect_failure(&hook, "No such file");
}

Test(process, none_found_says_what_to_do)
{
    expect_failure(&(struct hook){.signal = SIGHUP, .process = "no-such-process"},
                   "no process is named \"no-such-process\": does it run, and does connect-agent "
                   "share its pid namespace");
    expect_failure(&(struct hook){.signal = SIGHUP, .exe = "/no/such/program"}, "/no/such/program");
}

Test(process, never_means_itself)
{
    (void)prctl(PR_SET_NAME, name);
    expect_failure(&(struct hook){.signal = SIGKILL, .process = name}, "no process is named");
}

Test(process, a_zombie_is_none)
{
    struct child child = start_child();
    siginfo_t info;
    (void)kill(child.pid, SIGKILL);
    cr_assert_eq(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
    expect_failure(&(struct hook){.signal = SIGHUP, .process = name}, "no process is named");
    end_child(&child);
}

Test(process, the_master_is_signalled_and_not_its_workers)
{
    struct child child = start_child();
    order(&child, 'f');
    /* A worker would die of it, and tell nothing. */
    expect_signalled(&(struct hook){.signal = SIGHUP, .process = name}, &child);
    end_child(&child);
}

Test(process, two_that_are_no_family_are_both_signalled)
{
    struct error error;
    size_t count = 0;
    struct hook hook = {.signal = SIGHUP, .process = name};
    struct child first = start_child(), second = start_child();
    cr_assert(process_signal(proc_fd, &hook, &count, &error));
    cr_expect_eq(count, 2);
    cr_expect_eq(next_event(&first), SIGHUP);
    cr_expect_eq(next_event(&second), SIGHUP);
    end_child(&first);
    end_child(&second);
}

Test(process, one_that_became_something_else_is_not_signalled)
{
    struct error error;
    struct process_list list;
    size_t count = 9;
    struct hook hook = {.signal = SIGHUP, .process = name};
    struct child child = start_child();
    cr_assert(process_find(proc_fd, &hook, &list, &error));
    cr_assert(list.count == 1 && list.pids[0] == child.pid);
    order(&child, 'n');
    cr_expect(process_signal_found(proc_fd, &hook, &list, &count, &error));
    cr_expect_eq(count, 0);
    process_list_done(&list);
    /* What comes next is not the signal. */
    cr_assert_eq(kill(child.pid, SIGUSR1), 0);
    cr_expect_eq(next_event(&child), SIGUSR1);
    end_child(&child);
}

Test(process, one_that_restarted_meanwhile_is_found_anew)
{
    struct error error;
    struct process_list list;
    size_t count = 9;
    struct hook hook = {.signal = SIGHUP, .process = name};
    struct child old = start_child();
    cr_assert(process_find(proc_fd, &hook, &list, &error));
    end_child(&old);
    struct child new = start_child();
    cr_expect(process_signal_found(proc_fd, &hook, &list, &count, &error));
    cr_expect_eq(count, 0);
    process_list_done(&list);
    expect_signalled(&hook, &new);
    end_child(&new);
}

Test(process, a_name_in_proc_may_hold_anything)
{
    char folder[] = "/tmp/process-XXXXXX";
    char path[64];
    struct error error;
    struct process_list list;
    struct hook hook = {.signal = SIGHUP, .process = "a) R (b"};
    cr_assert(mkdtemp(folder) && chdir(folder) == 0);
    cr_assert(mkdir("77", 0700) == 0 && mkdir("0", 0700) == 0 && mkdir("self", 0700) == 0);
    write_pid_file("77/stat", "77 (a) R (b) S 1 77");
    write_pid_file("0/stat", "0 (a) R (b) S 1 77");
    write_pid_file("self/stat", "0 (a) R (b) S 1 77");
    int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert(process_find(fd, &hook, &list, &error));
    cr_expect(list.count == 1 && list.pids[0] == 77);
    process_list_done(&list);
    close(fd);
    static const char *const names[] = {"77", "0", "self"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/stat", names[i]);
        cr_expect(unlink(path) == 0 && rmdir(names[i]) == 0);
    }
    cr_expect_eq(rmdir(folder), 0);
}

/* Runs as somebody else; what it says on failure is what its exit status tells. */
static int signal_as(uid_t uid, const struct hook *hook)
{
    struct error error;
    size_t count;
    if (setresuid(uid, uid, uid) < 0) {
        return 1;
    }
    if (process_signal(proc_fd, hook, &count, &error)) {
        return 2;
    }
    if (hook->exe) {
        return strstr(error.message, "hide their program") ? 0 : 3;
    }
    return error.number == EPERM && strstr(error.message, "connect-agent is uid 65532") &&
                   strstr(error.message, "of uid 65534") && strstr(error.message, "CAP_KILL")
               ? 0
               : 4;
}

static void expect_as_other(const struct hook *hook)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(signal_as(65532, hook));
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", (unsigned)status);
}

Test(process, another_users_process_is_explained)
{
    char path[PATH_MAX];
    if (geteuid() != 0) {
        cr_skip_test("needs root to become other users");
    }
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    struct child child = {fork(), -1, -1};
    if (child.pid == 0) {
        (void)!setresuid(65534, 65534, 65534);
        (void)prctl(PR_SET_DUMPABLE, 1); /* the change of user took it away */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_NAME, name);
        (void)!write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    cr_assert_eq(read(ready[0], path, 1), 1);
    expect_as_other(&(struct hook){.signal = SIGHUP, .process = name});
    expect_as_other(&(struct hook){.signal = SIGHUP, .exe = "/no/such/program"});
    end_child(&child);
}

static void deny(unsigned number, unsigned result)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | result),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

Test(process, kill_does_where_there_are_no_pidfds)
{
    struct child child = start_child();
    deny(SYS_pidfd_open, ENOSYS);
    expect_signalled(&(struct hook){.signal = SIGHUP, .process = name}, &child);
    end_child(&child);
}

Test(process, kill_does_where_a_filter_denies_pidfds)
{
    struct child child = start_child();
    deny(SYS_pidfd_open, EPERM);
    expect_signalled(&(struct hook){.signal = SIGHUP, .process = name}, &child);
    end_child(&child);
}
