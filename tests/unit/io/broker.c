#include "io/broker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/spawn.h"

enum { KIND_TELL, KIND_REFUSE, KIND_START, KIND_FAIL, KIND_WHO };

static struct broker *broker;
static struct error error;

/* --- in the broker --- */

/* What arrived, to the last descriptor: "kind size text count". */
static bool tell(const struct broker_request *request, struct error *err)
{
    char line[128];
    SECRET_AUTO text = secret_new(64);
    if (!text || !stash_get(request->stash, text, err)) {
        return false;
    }
    struct str bytes = secret_str(text);
    int size = snprintf(line, sizeof(line), "%u %zu %.*s %u", request->kind, bytes.size,
                        (int)bytes.size, bytes.bytes, request->descriptors_count);
    int fd = request->descriptors[request->descriptors_count - 1];
    return write(fd, line, (size_t)size) == size || error_set(err, ERROR_SYSTEM, "no pipe");
}

static bool start(const char *program, pid_t *ret_pid, struct error *err)
{
    const struct spawn spawn = {.arguments = (char *const[]){(char *)program, NULL},
                                .environment = (char *const[]){NULL},
                                .descriptors = {-1, -1, -1},
                                .is_bare = true,
                                .sibling = true};
    int number = spawn_start(&spawn, ret_pid);
    return number == 0 || error_set_errno(err, ERROR_HOOK, number, "%s", program);
}

static bool serve(void *context, const struct broker_request *request, pid_t *ret_pid,
                  struct error *err)
{
    switch (request->kind) {
    case KIND_TELL:
        return tell(request, err);
    case KIND_REFUSE:
        memset(err->message, 'x', sizeof(err->message) - 1);
        err->message[sizeof(err->message) - 1] = '\0';
        err->code = ERROR_CONTENT;
        err->number = E2BIG;
        return false;
    case KIND_START:
        return start(context, ret_pid, err);
    case KIND_FAIL:
        return start("/no/such/program", ret_pid, err);
    default:
        *ret_pid = getpid(); /* not of what was started: the test wants to know */
        return true;
    }
}

/* --- who asks --- */

static void open_broker(void)
{
    static char program[] = "/bin/true";
    const struct broker_service service = {program, serve};
    cr_assert(broker_open(&service, &broker, &error), "%s", error.message);
}

static void close_broker(void)
{
    broker_close(broker);
}

TestSuite(broker, .init = open_broker, .fini = close_broker, .timeout = 30);

static bool ask(unsigned kind, pid_t *ret_pid)
{
    const struct broker_request request = {.kind = kind};
    return broker_ask(broker, &request, ret_pid, &error);
}

static pid_t find_broker(void)
{
    pid_t pid = 0;
    cr_assert(ask(KIND_WHO, &pid), "%s", error.message);
    cr_assert(pid > 0 && pid != getpid());
    return pid;
}

static void expect_told(const struct broker_request *request, int fd, const char *expected)
{
    char line[128];
    pid_t pid = -1;
    bool ok = broker_ask(broker, request, &pid, &error);
    cr_assert(ok, "%s", error.message);
    ssize_t got = read(fd, line, sizeof(line) - 1);
    cr_assert_gt(got, 0);
    line[got] = '\0';
    cr_expect_str_eq(line, expected);
    cr_expect_eq(pid, 0);
}

Test(broker, is_told_the_kind_the_text_and_the_descriptors)
{
    int ends[2];
    struct stash stash;
    SECRET_AUTO text = secret_new(64);
    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    stash_init(&stash);
    struct broker_request request = {
        .stash = &stash, .descriptors = &ends[1], .descriptors_count = 1};
    expect_told(&request, ends[0], "0 0  1"); /* an empty text is none */
    request.stash = NULL;
    expect_told(&request, ends[0], "0 0  1");
    cr_assert(text && secret_append(text, str_from("canary"), &error));
    cr_assert(stash_put(&stash, text, &error));
    request.stash = &stash;
    expect_told(&request, ends[0], "0 6 canary 1");
    int both[] = {ends[0], ends[1]};
    request.descriptors = both;
    request.descriptors_count = 2;
    expect_told(&request, ends[0], "0 6 canary 2");
    stash_done(&stash);
}

Test(broker, keeps_no_descriptor_that_it_was_handed)
{
    int ends[2];
    char line[128];
    pid_t pid;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    const struct broker_request request = {.descriptors = &ends[1], .descriptors_count = 1};
    cr_assert(broker_ask(broker, &request, &pid, &error), "%s", error.message);
    close(ends[1]);
    cr_assert_gt(read(ends[0], line, sizeof(line)), 0);
    cr_expect_eq(read(ends[0], line, sizeof(line)), 0, "its end is open there");
}

Test(broker, an_error_comes_back_whole)
{
    pid_t pid = -1;
    cr_expect_not(ask(KIND_REFUSE, &pid));
    cr_expect_eq(pid, -1, "it is untouched");
    cr_expect(error.code == ERROR_CONTENT && error.number == E2BIG);
    cr_expect_eq(strlen(error.message), sizeof(error.message) - 1);
    cr_expect_eq(strspn(error.message, "x"), sizeof(error.message) - 1);
    (void)find_broker(); /* it goes on */
}

Test(broker, what_it_starts_is_a_child_of_who_asks)
{
    int status;
    pid_t pid = 0;
    cr_assert(ask(KIND_START, &pid), "%s", error.message);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(broker, a_child_that_could_not_run_is_reaped)
{
    pid_t pid = -1;
    for (int i = 0; i < 3; i++) {
        cr_expect_not(ask(KIND_FAIL, &pid));
        cr_expect(error.code == ERROR_HOOK && error.number == ENOENT);
    }
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), 0, "only the broker is left, and lives");
}

static void kill_broker(void)
{
    siginfo_t info;
    pid_t pid = find_broker();
    cr_assert_eq(kill(pid, SIGKILL), 0);
    cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

Test(broker, says_what_to_do_when_the_broker_is_gone)
{
    pid_t pid = -1;
    kill_broker();
    for (int i = 0; i < 2; i++) {
        cr_expect_not(ask(KIND_START, &pid));
        cr_expect_eq(error.code, ERROR_SYSTEM);
        cr_expect_str_eq(error.message, "the process that starts commands for this one "
                                        "(agent-broker) is gone: restart connect-agent");
    }
    cr_expect_eq(pid, -1);
}

Test(broker, survives_every_signal_but_those_that_nobody_can_block)
{
    pid_t pid = find_broker();
    for (int signal = 1; signal <= SIGRTMAX; signal++) {
        bool is_reserved = signal > SIGSYS && signal < SIGRTMIN; /* by the C library */
        if (signal != SIGKILL && signal != SIGSTOP && !is_reserved) {
            cr_assert_eq(kill(pid, signal), 0);
        }
    }
    cr_expect_eq(find_broker(), pid);
}

Test(broker, closing_it_ends_it_and_reaps_it)
{
    pid_t pid = find_broker();
    broker_close(broker);
    broker = NULL;
    cr_expect(kill(pid, 0) == -1 && errno == ESRCH);
    cr_expect(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    broker_close(NULL);
}

/* It has ended by itself, and not by a signal. */
static void expect_end(pid_t pid)
{
    siginfo_t info;
    cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    cr_expect(info.si_code == CLD_EXITED && info.si_status == 0);
}

/* One who asks, and dies. */
static void ask_and_die(int report)
{
    struct broker *own;
    const struct broker_service service = {NULL, serve};
    const struct broker_request request = {.kind = KIND_WHO};
    pid_t pid = 0;
    if (broker_open(&service, &own, &error) && broker_ask(own, &request, &pid, &error)) {
        (void)!write(report, &pid, sizeof(pid));
    }
    char byte;
    (void)!read(report, &byte, 1);
    (void)kill(getpid(), SIGKILL);
}

Test(broker, ends_when_who_asks_is_killed)
{
    int ends[2];
    pid_t pid = 0;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    pid_t asker = fork();
    if (asker == 0) {
        ask_and_die(ends[1]);
        _exit(1);
    }
    cr_assert_eq(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
    struct pollfd life = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    cr_assert_geq(life.fd, 0);
    cr_expect_eq(poll(&life, 1, 0), 0, "it is there");
    cr_assert_eq(write(ends[0], "x", 1), 1);
    cr_assert_eq(waitpid(asker, NULL, 0), asker);
    cr_expect_eq(poll(&life, 1, 20000), 1, "it outlives who asked");
    close(life.fd);
}

/* --- nonsense --- */

struct question {
    uint32_t kind, has_stash, passed;
    uint64_t size;
};

static void send_raw(const void *bytes, size_t size, const int *passed, unsigned count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } passing = {.bytes = {0}};
    struct iovec text = {(void *)bytes, size};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = passing.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), passed, count * sizeof(int));
    }
    cr_assert_eq(sendmsg(broker_descriptor(broker), &message, MSG_NOSIGNAL), (ssize_t)size);
}

Test(broker, a_sound_question_of_this_form_is_answered)
{
    char answer[4096];
    const struct question sound = {.kind = KIND_WHO};
    send_raw(&sound, sizeof(sound), NULL, 0);
    cr_expect_gt(read(broker_descriptor(broker), answer, sizeof(answer)), 0);
}

static void expect_end_after(const struct question *question, size_t size, unsigned descriptors)
{
    static const int passed[] = {0, 0, 0, 0};
    char answer[4096];
    pid_t pid = find_broker();
    send_raw(question, size, passed, descriptors);
    expect_end(pid);
    cr_expect_leq(read(broker_descriptor(broker), answer, sizeof(answer)), 0, "it was answered");
}

Test(broker, ends_at_a_message_that_is_too_short)
{
    expect_end_after(&(struct question){.kind = KIND_START}, 7, 0);
}

Test(broker, ends_at_a_count_of_descriptors_that_is_not_true)
{
    expect_end_after(&(struct question){.kind = KIND_START, .passed = 2}, sizeof(struct question),
                     1);
}

Test(broker, ends_at_a_text_that_is_not_there)
{
    expect_end_after(&(struct question){.kind = KIND_START, .has_stash = 1},
                     sizeof(struct question), 0);
}

Test(broker, ends_at_more_texts_than_one)
{
    expect_end_after(&(struct question){.kind = KIND_START, .has_stash = 2, .passed = 2},
                     sizeof(struct question), 2);
}

Test(broker, ends_at_more_descriptors_than_it_takes)
{
    expect_end_after(&(struct question){.kind = KIND_START, .passed = 4}, sizeof(struct question),
                     4);
}

Test(broker, ends_at_more_descriptors_than_a_request_has)
{
    expect_end_after(&(struct question){.kind = KIND_START, .passed = 3}, sizeof(struct question),
                     3);
}

Test(broker, ends_at_descriptors_that_were_cut_off)
{
    expect_end_after(&(struct question){.kind = KIND_START, .has_stash = 1, .passed = 3},
                     sizeof(struct question), 4);
}

Test(broker, ends_at_a_message_that_is_too_long)
{
    const struct question two[2] = {{.kind = KIND_START}, {.kind = KIND_START}};
    expect_end_after(two, sizeof(two), 0);
}
