#include "reload/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "io/file.h"

enum {
    NAME = 64,      /* "PID/cmdline" */
    STATUS = 1024,  /* of PID/stat: the name and some forty numbers */
    PID_FILE = 4096 /* its first line counts */
};

struct process {
    char state;
    pid_t parent;
    char name[STATUS];
};

/* --- what /proc tells of one --- */

/* The beginning of the file; -1 when the process is gone. */
static ssize_t read_entry(int proc_fd, pid_t pid, const char *entry, char *out, size_t size)
{
    char path[NAME];
    snprintf(path, sizeof(path), "%d/%s", (int)pid, entry);
    int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    ssize_t got = read(fd, out, size - 1);
    out[got > 0 ? got : 0] = '\0';
    close(fd);
    return got;
}

/* "PID (NAME) STATE PARENT …"; the name may hold anything, also ")". */
static bool look(int proc_fd, pid_t pid, struct process *ret_process)
{
    char text[STATUS];
    if (read_entry(proc_fd, pid, "stat", text, sizeof(text)) <= 0) {
        return false;
    }
    char *from = strchr(text, '(');
    char *to = strrchr(text, ')');
    if (!from || !to || to < from || strlen(to) < sizeof(") S 1") - 1) {
        return false;
    }
    ret_process->state = to[2];
    ret_process->parent = (pid_t)strtol(to + 4, NULL, 10);
    *to = '\0';
    snprintf(ret_process->name, sizeof(ret_process->name), "%s", from + 1);
    return ret_process->state != 'Z' && ret_process->state != 'X';
}

/* The program it was started as. A title with blanks that a program gave itself is no path. */
static bool is_started_as(int proc_fd, pid_t pid, const char *name)
{
    char command[PATH_MAX];
    if (read_entry(proc_fd, pid, "cmdline", command, sizeof(command)) <= 0 ||
        strchr(command, ' ')) {
        return false;
    }
    const char *slash = strrchr(command, '/');
    return strcmp(slash ? slash + 1 : command, name) == 0;
}

enum { EXE_OTHER, EXE_SAME, EXE_HIDDEN };

/* An upgrade in place leaves "/usr/sbin/nginx (deleted)". */
static int compare_exe(int proc_fd, pid_t pid, const char *exe)
{
    static const char deleted[] = " (deleted)";
    char path[NAME], target[PATH_MAX];
    snprintf(path, sizeof(path), "%d/exe", (int)pid);
    ssize_t size = readlinkat(proc_fd, path, target, sizeof(target) - 1);
    if (size < 0) {
        return errno == EACCES || errno == EPERM ? EXE_HIDDEN : EXE_OTHER;
    }
    target[size] = '\0';
    size_t wanted = strlen(exe);
    bool same = strncmp(target, exe, wanted) == 0 &&
                (target[wanted] == '\0' || strcmp(target + wanted, deleted) == 0);
    return same ? EXE_SAME : EXE_OTHER;
}

/* --- which are meant --- */

static bool read_pid_file(const char *path, pid_t *ret_pid, struct error *err)
{
    struct buf buf;
    uint64_t pid = 0;
    buf_init(&buf, PID_FILE);
    if (!file_read(path, ERROR_HOOK, &buf, err)) {
        buf_done(&buf);
        return false;
    }
    struct str text = buf_str(&buf);
    text = str_trim(str_slice(text, 0, str_find(text, 0, "\n")));
    bool ok = (parse_number(text, INT_MAX, &pid) && pid > 0) ||
              error_set(err, ERROR_HOOK, "%s: no number of a process in its first line", path);
    buf_done(&buf);
    *ret_pid = (pid_t)pid;
    return ok;
}

static bool is_meant(int proc_fd, const struct hook *hook, pid_t pid, struct process *process)
{
    if (!look(proc_fd, pid, process)) {
        return false;
    }
    if (hook->exe) {
        return compare_exe(proc_fd, pid, hook->exe) == EXE_SAME;
    }
    return strcmp(process->name, hook->process) == 0 || is_started_as(proc_fd, pid, hook->process);
}

static bool add(struct process_list *list, pid_t pid, struct error *err)
{
    pid_t *pids = reallocarray(list->pids, list->count + 1, sizeof(*pids));
    if (!pids) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    list->pids = pids;
    list->pids[list->count++] = pid;
    return true;
}

static bool find_by_file(int proc_fd, const struct hook *hook, struct process_list *list,
                         struct error *err)
{
    struct process process;
    pid_t pid;
    if (!read_pid_file(hook->pid_file, &pid, err)) {
        return false;
    }
    if (pid == getpid()) {
        return error_set(err, ERROR_HOOK,
                         "%s names process %d, which is connect-agent itself: the file is of "
                         "another pid namespace; share it (shareProcessNamespace: true, or pid: "
                         "service:…)",
                         hook->pid_file, (int)pid);
    }
    return !look(proc_fd, pid, &process) || add(list, pid, err);
}

/* -1: no name of a process. */
static pid_t parse_pid(const char *name)
{
    uint64_t pid;
    return parse_number(str_from(name), INT_MAX, &pid) && pid > 0 ? (pid_t)pid : -1;
}

static bool find_in(DIR *directory, const struct hook *hook, struct process_list *list,
                    struct error *err)
{
    struct process process;
    const struct dirent *entry;
    while ((entry = readdir(directory))) {
        pid_t pid = parse_pid(entry->d_name);
        if (pid < 0 || pid == getpid()) {
            continue;
        }
        if (is_meant(dirfd(directory), hook, pid, &process)) {
            if (!add(list, pid, err)) {
                return false;
            }
        } else if (hook->exe && compare_exe(dirfd(directory), pid, hook->exe) == EXE_HIDDEN) {
            list->hidden++;
        }
    }
    return true;
}

static bool holds(const struct process_list *list, pid_t pid)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->pids[i] == pid) {
            return true;
        }
    }
    return false;
}

/* Workers get their signals from their master: a reload signal kills many of them. */
static void drop_children(int proc_fd, struct process_list *list)
{
    struct process process;
    size_t kept = 0;
    struct process_list all = *list;
    all.pids = malloc((list->count + 1) * sizeof(*all.pids));
    if (!all.pids) {
        return;
    }
    memcpy(all.pids, list->pids, list->count * sizeof(*all.pids));
    for (size_t i = 0; i < all.count; i++) {
        if (look(proc_fd, all.pids[i], &process) && !holds(&all, process.parent)) {
            list->pids[kept++] = all.pids[i];
        }
    }
    list->count = kept;
    free(all.pids);
}

static bool find_all(int proc_fd, const struct hook *hook, struct process_list *list,
                     struct error *err)
{
    int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        int number = errno;
        if (fd >= 0) {
            close(fd);
        }
        return error_set_errno(err, ERROR_HOOK, number, "/proc cannot be read");
    }
    bool ok = find_in(directory, hook, list, err);
    closedir(directory);
    if (ok && list->count > 1) {
        drop_children(proc_fd, list);
    }
    return ok;
}

bool process_find(int proc_fd, const struct hook *hook, struct process_list *ret_list,
                  struct error *err)
{
    struct process_list list = {.count = 0};
    bool ok = hook->pid_file ? find_by_file(proc_fd, hook, &list, err)
                             : find_all(proc_fd, hook, &list, err);
    if (!ok) {
        process_list_done(&list);
        return false;
    }
    *ret_list = list;
    return true;
}

void process_list_done(struct process_list *list)
{
    free(list->pids);
    *list = (struct process_list){.count = 0};
}

/* --- signalling --- */

/* Is it still what was looked for? */
static bool is_still_meant(int proc_fd, const struct hook *hook, pid_t pid)
{
    struct process process;
    struct error error;
    pid_t now;
    if (hook->pid_file) {
        return read_pid_file(hook->pid_file, &now, &error) && now == pid &&
               look(proc_fd, pid, &process);
    }
    return is_meant(proc_fd, hook, pid, &process);
}

/* 0, or an errno: ESRCH when it is gone, or is not meant any more. A kernel, or a filter of system
 * calls, older than pidfds makes do with kill(2). */
static int send_signal(int proc_fd, const struct hook *hook, pid_t pid)
{
    int fd = pidfd_open(pid, 0);
    if (fd < 0 && errno != ENOSYS && errno != EPERM) {
        return errno;
    }
    int number = ESRCH;
    if (is_still_meant(proc_fd, hook, pid)) {
        int sent = fd < 0 ? kill(pid, hook->signal) : pidfd_send_signal(fd, hook->signal, NULL, 0);
        number = sent < 0 ? errno : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    return number;
}

static bool explain_denied(int proc_fd, pid_t pid, int number, struct error *err)
{
    char path[NAME];
    struct process process = {.state = '?'};
    struct stat status = {.st_uid = 0};
    snprintf(path, sizeof(path), "%d", (int)pid);
    if (number != EPERM) {
        return error_set_errno(err, ERROR_HOOK, number, "process %d: signal", (int)pid);
    }
    (void)fstatat(proc_fd, path, &status, 0);
    (void)look(proc_fd, pid, &process);
    error_set(err, ERROR_HOOK,
              "not allowed to signal process %d (%s) of uid %u: connect-agent is uid %u; run both "
              "as the same uid (runAsUser, user:), or give connect-agent the capability CAP_KILL",
              (int)pid, process.name, (unsigned)status.st_uid, (unsigned)geteuid());
    err->number = number;
    return false;
}

bool process_signal_found(int proc_fd, const struct hook *hook, const struct process_list *list,
                          size_t *ret_count, struct error *err)
{
    size_t count = 0;
    bool ok = true;
    for (size_t i = 0; i < list->count; i++) {
        int number = send_signal(proc_fd, hook, list->pids[i]);
        if (number == 0) {
            count++;
        } else if (number != ESRCH) {
            ok = explain_denied(proc_fd, list->pids[i], number, err);
        }
    }
    *ret_count = count;
    return ok;
}

#define SHARED                                                                                     \
    "does connect-agent share its pid namespace (shareProcessNamespace: true, or pid: service:…)?"

static bool explain_none(const struct hook *hook, size_t hidden, struct error *err)
{
    if (hook->pid_file) {
        return error_set(err, ERROR_HOOK,
                         "%s names a process that is not there: is the file stale, or " SHARED,
                         hook->pid_file);
    }
    if (hook->process) {
        return error_set(err, ERROR_HOOK, "no process is named \"%s\": does it run, and " SHARED,
                         hook->process);
    }
    return hidden == 0
               ? error_set(err, ERROR_HOOK, "no process runs %s: does one, and " SHARED, hook->exe)
               : error_set(err, ERROR_HOOK,
                           "no process is seen to run %s, but %zu of other users hide "
                           "their program: run connect-agent as the same uid, or find it "
                           "by process: or pidFile:",
                           hook->exe, hidden);
}

bool process_signal(int proc_fd, const struct hook *hook, size_t *ret_count, struct error *err)
{
    size_t hidden = 0;
    for (int look_again = 3; look_again > 0; look_again--) {
        struct process_list list;
        size_t count = 0;
        if (!process_find(proc_fd, hook, &list, err)) {
            return false;
        }
        bool gone = list.count > 0;
        bool ok = process_signal_found(proc_fd, hook, &list, &count, err);
        hidden = list.hidden;
        process_list_done(&list);
        if (!ok || count > 0) {
            *ret_count = count;
            return ok;
        }
        if (!gone) {
            break;
        }
    }
    return explain_none(hook, hidden, err);
}
