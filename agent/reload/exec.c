#include "reload/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "io/timer.h"

enum { DRAIN_READS = 64 }; /* a grandchild may go on printing for ever */

struct exec_run {
    struct loop *loop; /* borrowed */
    struct exec_done done;
    pid_t pid; /* leader of its group; not reaped yet */
    struct loop_child child;
    struct loop_source life;   /* a pidfd */
    struct loop_source output; /* the reading end of a pipe; fd -1 after its end */
    struct timer timer;
    uint64_t grace_ms;
    bool timed_out;
    bool is_cut;
    char bytes[EXEC_OUTPUT];
    size_t size;
};

/* --- starting --- */

static void on_output(void *context, uint32_t events);
static void on_life(void *context, uint32_t events);
static void on_time(void *context);

static void kill_group(const struct exec_run *run, int signal)
{
    (void)kill(-run->pid, signal);
}

static int reap(pid_t pid, int *ret_status)
{
    int result;
    do {
        result = waitpid(pid, ret_status, 0);
    } while (result < 0 && errno == EINTR);
    return result;
}

static void close_output(struct exec_run *run)
{
    if (run->output.fd >= 0) {
        loop_remove(run->loop, &run->output);
        close(run->output.fd);
        run->output.fd = -1;
    }
}

/* The child runs; puts it on the loop. */
static bool watch(struct exec_run *run, uint64_t timeout_ms, struct error *err)
{
    int fd = pidfd_open(run->pid, 0);
    if (fd < 0 && errno == ESRCH) {
        return error_set(err, ERROR_HOOK, "ended, and nobody knows how: somebody else reaped it");
    }
    if (fd < 0) {
        return error_set_errno(err, ERROR_HOOK, errno,
                               "pidfd_open (Linux 5.3 has it; a filter may deny it)");
    }
    run->life = (struct loop_source){fd, on_life, run};
    if (!timer_init(&run->timer, run->loop, on_time, run, err)) {
        close(fd);
        return false;
    }
    if (!loop_add(run->loop, &run->life, EPOLLIN, err) ||
        !loop_add(run->loop, &run->output, EPOLLIN, err)) {
        loop_remove(run->loop, &run->life);
        timer_done(&run->timer);
        close(fd);
        return false;
    }
    timer_set(&run->timer, timeout_ms);
    return true;
}

static bool start(struct exec_run *run, const struct exec_request *request, struct error *err)
{
    int ends[2], status;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return error_set_errno(err, ERROR_HOOK, errno, "pipe2");
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    run->output = (struct loop_source){ends[0], on_output, run};
    bool started = request->start(request->context, ends[1], &run->pid, err);
    close(ends[1]);
    if (!started) {
        close(ends[0]);
        return false;
    }
    run->child.pid = run->pid;
    loop_add_child(run->loop, &run->child);
    if (!watch(run, request->timeout_ms, err)) {
        loop_remove_child(run->loop, &run->child);
        close(ends[0]);
        kill_group(run, SIGKILL);
        (void)reap(run->pid, &status);
        return false;
    }
    return true;
}

bool exec_start(struct loop *loop, const struct exec_request *request, struct exec_done done,
                struct exec_run **ret_run, struct error *err)
{
    struct exec_run *run = calloc(1, sizeof(*run));
    if (!run) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    run->loop = loop;
    run->done = done;
    run->grace_ms = request->grace_ms;
    if (!start(run, request, err)) {
        free(run);
        return false;
    }
    *ret_run = run;
    return true;
}

/* --- running --- */

/* False at the end, or when there is nothing now. */
static bool read_some(struct exec_run *run)
{
    char beyond[EXEC_OUTPUT];
    size_t room = sizeof(run->bytes) - run->size;
    ssize_t got = room > 0 ? read(run->output.fd, run->bytes + run->size, room)
                           : read(run->output.fd, beyond, sizeof(beyond));
    if (got == 0) {
        close_output(run);
    }
    if (got <= 0) {
        return false;
    }
    run->size += room > 0 ? (size_t)got : 0;
    run->is_cut = run->is_cut || room == 0;
    return true;
}

static void on_output(void *context, uint32_t events)
{
    (void)events;
    (void)read_some(context);
}

static void on_time(void *context)
{
    struct exec_run *run = context;
    kill_group(run, run->timed_out ? SIGKILL : SIGTERM);
    if (!run->timed_out) {
        timer_set(&run->timer, run->grace_ms);
    }
    run->timed_out = true;
}

/* --- its end --- */

static void release(struct exec_run *run)
{
    loop_remove_child(run->loop, &run->child);
    close_output(run);
    timer_done(&run->timer);
    loop_remove(run->loop, &run->life);
    close(run->life.fd);
}

/* One line for a message: what the lines hold, with "; " between them. */
static void print_output(const struct exec_run *run, char *out, size_t size)
{
    char joined[2 * EXEC_OUTPUT + 1];
    size_t used = 0;
    struct str text = str_trim((struct str){run->bytes, run->size});
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] == '\n') {
            joined[used++] = ';';
            joined[used++] = ' ';
        } else if (text.bytes[i] != '\r') {
            joined[used++] = text.bytes[i] == '\t' ? ' ' : text.bytes[i];
        }
    }
    str_print((struct str){joined, used}, out, size);
}

static void on_life(void *context, uint32_t events)
{
    struct exec_run *run = context;
    char output[2 * EXEC_OUTPUT + 1];
    int status = 0;
    (void)events;
    if (run->timed_out) { /* what is left of the group; the number is still its own */
        kill_group(run, SIGKILL);
    }
    for (int i = 0; i < DRAIN_READS && run->output.fd >= 0 && read_some(run); i++) {
    }
    bool lost = reap(run->pid, &status) < 0;
    print_output(run, output, sizeof(output));
    struct exec_result result = {.end = lost                  ? EXEC_LOST
                                        : run->timed_out      ? EXEC_TIMED_OUT
                                        : WIFSIGNALED(status) ? EXEC_SIGNALLED
                                                              : EXEC_EXITED,
                                 .number =
                                     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                                 .output = output,
                                 .is_cut = run->is_cut};
    struct exec_done done = run->done;
    release(run);
    free(run);
    done.call(done.context, &result);
}

void exec_cancel(struct exec_run *run)
{
    int status;
    if (!run) {
        return;
    }
    kill_group(run, SIGKILL);
    (void)reap(run->pid, &status);
    release(run);
    free(run);
}

bool exec_explain(const struct exec_result *result, const char *program, struct error *err)
{
    const char *colon = result->output[0] ? ": " : "";
    const char *abbreviation = sigabbrev_np(result->number);
    switch (result->end) {
    case EXEC_EXITED:
        return result->number == 0 || error_set(err, ERROR_HOOK, "%s: exit status %d%s%s", program,
                                                result->number, colon, result->output);
    case EXEC_SIGNALLED:
        return error_set(err, ERROR_HOOK, "%s: killed by signal %d (%s)%s%s", program,
                         result->number, abbreviation ? abbreviation : "?", colon, result->output);
    case EXEC_TIMED_OUT:
        return error_set(err, ERROR_HOOK,
                         "%s: stopped, because it took longer than its timeout%s%s", program, colon,
                         result->output);
    case EXEC_LOST:
        break;
    }
    return error_set(err, ERROR_HOOK, "%s: ended, and nobody knows how", program);
}
