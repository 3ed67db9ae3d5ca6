/* connect-agent taken over: the program itself, with one function replaced at link time
 * (--wrap=journal_published), which is called when everything is resolved and published. It tries
 * what the variable ATTACK names, on what the test put up for it, says what came of it, and goes
 * on. test_sandbox.py runs it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/journal.h"
#include "io/broker.h"

/* Set by the test: a file, a directory, a socket, a process that are none of the agent's business;
 * the agent's own token and template, which it may only read; its output. */
static const char *given(const char *name)
{
    const char *value = getenv(name);
    if (!value) {
        fprintf(stderr, "attack: %s is not set\n", name);
        abort();
    }
    return value;
}

static pid_t victim(void)
{
    return (pid_t)strtol(given("VICTIM_PID"), NULL, 10);
}

static const char *inside(const char *directory, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof(path), "%s/%s", given(directory), name);
    return path;
}

static bool opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

/* --- files --- */

static bool read_file(void)
{
    return opens(given("VICTIM_FILE"), O_RDONLY);
}

static bool read_passwd(void)
{
    return opens("/etc/passwd", O_RDONLY);
}

static bool list_directory(void)
{
    return opens(given("VICTIM_DIRECTORY"), O_RDONLY | O_DIRECTORY);
}

static bool write_file(void)
{
    return opens(given("VICTIM_FILE"), O_WRONLY);
}

static bool truncate_file(void)
{
    return truncate(given("VICTIM_FILE"), 0) == 0;
}

static bool create_file(void)
{
    return opens(inside("VICTIM_DIRECTORY", "new"), O_WRONLY | O_CREAT);
}

static bool make_directory(void)
{
    return mkdir(inside("VICTIM_DIRECTORY", "new"), 0700) == 0;
}

static bool make_symlink(void)
{
    return symlink("/etc/passwd", inside("VICTIM_DIRECTORY", "new")) == 0;
}

static bool remove_file(void)
{
    return unlink(given("VICTIM_FILE")) == 0;
}

static bool rename_file(void)
{
    return rename(given("VICTIM_FILE"), inside("VICTIM_DIRECTORY", "new")) == 0;
}

static bool write_template(void)
{
    return opens(given("CONNECT_AGENT_TEMPLATE"), O_WRONLY);
}

static bool remove_template(void)
{
    return unlink(given("CONNECT_AGENT_TEMPLATE")) == 0;
}

static bool write_token(void)
{
    return opens(given("OP_CONNECT_TOKEN_FILE"), O_WRONLY);
}

static bool remove_token(void)
{
    return unlink(given("OP_CONNECT_TOKEN_FILE")) == 0;
}

static bool create_beside_token(void)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s-new", given("OP_CONNECT_TOKEN_FILE"));
    return opens(path, O_WRONLY | O_CREAT) && unlink(path) == 0;
}

static bool make_device(void)
{
    return mknod(inside("OUTPUT", "device"), S_IFCHR | 0600, makedev(1, 3)) == 0;
}

static bool make_pipe(void)
{
    return mkfifo(inside("OUTPUT", "pipe"), 0600) == 0;
}

static bool read_environment(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/environ", victim());
    return opens(path, O_RDONLY);
}

static bool read_memory(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/mem", victim());
    return opens(path, O_RDONLY);
}

/* --- programs --- */

static bool is_executed(int (*execute)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(execute() == 0 ? 0 : errno);
    }
    if (child < 0) {
        return false;
    }
    (void)waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) { /* as it would have gone for us */
        raise(WTERMSIG(status));
    }
    errno = WEXITSTATUS(status);
    return errno == 0;
}

static int run_true(void)
{
    char *const arguments[] = {(char[]){"true"}, NULL};
    char *const environment[] = {NULL};
    return execve("/bin/true", arguments, environment);
}

static bool execute_program(void)
{
    return getenv("ATTACK_IN_PLACE") ? run_true() == 0 : is_executed(run_true);
}

static bool fork_process(void)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    return child > 0 && waitpid(child, NULL, 0) == child;
}

static bool map_code(void)
{
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return code != MAP_FAILED && mprotect(code, 4096, PROT_READ | PROT_EXEC) == 0;
}

/* --- other processes --- */

static bool trace(void)
{
    return ptrace(PTRACE_SEIZE, victim(), NULL, NULL) == 0;
}

static bool read_process(void)
{
    char here[8];
    struct iovec local = {here, sizeof(here)};
    struct iovec remote = {(void *)strtoul(given("VICTIM_ADDRESS"), NULL, 16), sizeof(here)};
    return process_vm_readv(victim(), &local, 1, &remote, 1, 0) == sizeof(here);
}

static bool take_descriptor(void)
{
    int fd = (int)syscall(SYS_pidfd_open, victim(), 0);
    return syscall(SYS_pidfd_getfd, fd, 0, 0) >= 0;
}

static bool signal_process(void)
{
    return kill(victim(), SIGCONT) == 0;
}

static bool speak(const char *name, bool is_abstract)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(name);
    memcpy(address.sun_path + is_abstract, name, size);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 &&
           connect(fd, (struct sockaddr *)&address,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + is_abstract + size)) == 0;
}

static bool speak_to_socket(void)
{
    return speak(given("VICTIM_SOCKET"), false);
}

static bool speak_to_abstract_socket(void)
{
    return speak(given("VICTIM_NAME"), true);
}

/* --- the kernel --- */

static bool leave_root(void)
{
    return chroot(given("OUTPUT")) == 0;
}

static bool mount_file_system(void)
{
    return mount("none", given("OUTPUT"), "tmpfs", 0, NULL) == 0;
}

static bool make_namespace(void)
{
    return unshare(CLONE_NEWUTS) == 0;
}

/* As fork, but into a namespace of its own; a child that comes to be ends at once. */
static bool cloned(long child)
{
    if (child == 0) {
        _exit(0);
    }
    return child > 0 && waitpid((pid_t)child, NULL, 0) == child;
}

static bool clone_into_namespace(void)
{
    return cloned(syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0));
}

static bool clone3_into_namespace(void)
{
    struct clone_args arguments = {.flags = CLONE_NEWUTS, .exit_signal = SIGCHLD};
    return cloned(syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

static bool open_ring(void)
{
    struct io_uring_params parameters = {.flags = 0};
    return syscall(SYS_io_uring_setup, 1, &parameters) >= 0;
}

static bool add_key(void)
{
    return syscall(SYS_add_key, "user", "attack", "x", 1, -2) >= 0;
}

/* --- the broker (io/broker.h), which is not confined --- */

/* Its socket is the only one of its kind here. */
static int find_broker(void)
{
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++) {
        int type = 0, domain = 0;
        socklen_t size = sizeof(int);
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
            getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
            type == SOCK_SEQPACKET) {
            return fd;
        }
    }
    return -1;
}

/* Its answer is spoken, and EACCES when it refuses. */
static bool ask_broker(unsigned kind, const char *text, size_t size, unsigned outputs)
{
    struct {
        int fd;
        pid_t pid;
    } mimic = {find_broker(), -1}; /* struct broker */
    const int descriptors[] = {STDOUT_FILENO, STDOUT_FILENO};
    struct error error;
    struct stash stash;
    pid_t pid = 0;
    int status;
    struct secret *secret = secret_new(size);
    if (mimic.fd < 0 || !secret || !secret_append(secret, (struct str){text, size}, &error)) {
        errno = ENOTCONN;
        return false;
    }
    stash_init(&stash);
    const struct broker_request request = {kind, &stash, descriptors, outputs};
    bool ok = stash_put(&stash, secret, &error) &&
              broker_ask((struct broker *)&mimic, &request, &pid, &error);
    stash_done(&stash);
    secret_free(secret);
    if (ok && pid > 0) {
        return waitpid(pid, &status, 0) == pid && status == 0;
    }
    if (!ok) {
        dprintf(STDOUT_FILENO, "broker: %s\n", error.message);
        errno = EACCES;
    }
    return ok;
}

enum { ASK_HOOK, ASK_COMMAND, ASK_SIGNAL, ASK_RELOAD }; /* core/commands.c */

/* Strings, each ended by NUL: a directory, a generation, and a command. */
static bool ask_for_hook(const char *directory, const char *const *command)
{
    char text[8192];
    size_t used = (size_t)snprintf(text, sizeof(text), "%s%c1%c", directory, 0, 0);
    for (size_t i = 0; command[i]; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%c", command[i], 0);
    }
    return ask_broker(ASK_HOOK, text, used, 1);
}

static bool ask_for_its_hook(void)
{
    return ask_for_hook(given("OUTPUT"), (const char *const[]){"/bin/true", "hook", NULL});
}

static bool ask_for_another_command(void)
{
    return ask_for_hook(given("OUTPUT"),
                        (const char *const[]){"/bin/rm", given("VICTIM_FILE"), NULL});
}

static bool ask_for_another_argument(void)
{
    return ask_for_hook(given("OUTPUT"),
                        (const char *const[]){"/bin/true", "hook", "another", NULL});
}

static bool ask_for_a_hook_elsewhere(void)
{
    return ask_for_hook(given("VICTIM_DIRECTORY"),
                        (const char *const[]){"/bin/true", "hook", NULL});
}

static bool ask_for_a_hook_above(void)
{
    return ask_for_hook(inside("OUTPUT", ".."), (const char *const[]){"/bin/true", "hook", NULL});
}

static bool ask_for_the_command_with(const char *variable)
{
    return ask_broker(ASK_COMMAND, variable, strlen(variable) + 1, 0);
}

/* Only `exec` has one. */
static bool ask_for_a_command(void)
{
    return ask_for_the_command_with("A=b");
}

static bool ask_for_a_signal(void)
{
    char text[64];
    int used = snprintf(text, sizeof(text), "/bin/sleep%c15%c", 0, 0);
    return ask_broker(ASK_SIGNAL, text, (size_t)used, 0);
}

static bool ask_nonsense(void)
{
    return ask_broker(4711, "nonsense", 8, 2);
}

static const struct {
    const char *name;
    bool (*succeeds)(void);
} attacks[] = {
    {"ask_for_its_hook", ask_for_its_hook},
    {"ask_for_another_command", ask_for_another_command},
    {"ask_for_another_argument", ask_for_another_argument},
    {"ask_for_a_hook_elsewhere", ask_for_a_hook_elsewhere},
    {"ask_for_a_hook_above", ask_for_a_hook_above},
    {"ask_for_a_command", ask_for_a_command},
    {"ask_for_a_signal", ask_for_a_signal},
    {"ask_nonsense", ask_nonsense},
    {"read_file", read_file},
    {"read_passwd", read_passwd},
    {"list_directory", list_directory},
    {"write_file", write_file},
    {"truncate_file", truncate_file},
    {"create_file", create_file},
    {"make_directory", make_directory},
    {"make_symlink", make_symlink},
    {"remove_file", remove_file},
    {"rename_file", rename_file},
    {"write_template", write_template},
    {"remove_template", remove_template},
    {"write_token", write_token},
    {"remove_token", remove_token},
    {"create_beside_token", create_beside_token},
    {"make_device", make_device},
    {"make_pipe", make_pipe},
    {"read_environment", read_environment},
    {"read_memory", read_memory},
    {"execute_program", execute_program},
    {"fork_process", fork_process},
    {"map_code", map_code},
    {"trace", trace},
    {"read_process", read_process},
    {"take_descriptor", take_descriptor},
    {"signal_process", signal_process},
    {"speak_to_socket", speak_to_socket},
    {"speak_to_abstract_socket", speak_to_abstract_socket},
    {"leave_root", leave_root},
    {"mount_file_system", mount_file_system},
    {"make_namespace", make_namespace},
    {"clone_into_namespace", clone_into_namespace},
    {"clone3_into_namespace", clone3_into_namespace},
    {"open_ring", open_ring},
    {"add_key", add_key},
};

static void try(const char *name)
{
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        if (strcmp(attacks[i].name, name) == 0) {
            errno = 0;
            bool done = attacks[i].succeeds();
            dprintf(STDOUT_FILENO, "attack %s: %s\n", name, done ? "done" : strerrorname_np(errno));
            return;
        }
    }
    dprintf(STDOUT_FILENO, "attack %s: unknown\n", name);
}

/* The names that the linker gives and wants. */
void real_published(const struct journal *journal, const char *directory,
                    const struct generation *generation,
                    bool changed) __asm__("__real_journal_published");
void taken_over(const struct journal *journal, const char *directory,
                const struct generation *generation,
                bool changed) __asm__("__wrap_journal_published");

void taken_over(const struct journal *journal, const char *directory,
                const struct generation *generation, bool changed)
{
    const char *name = getenv("ATTACK");
    if (name) {
        try(name);
    }
    real_published(journal, directory, generation, changed);
}
