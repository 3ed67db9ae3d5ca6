#include "io/broker.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PASSED_MOST = 1 + BROKER_DESCRIPTORS }; /* the stash, and the others */

struct broker {
    int fd;
    pid_t pid;
};

struct question {
    uint32_t kind;
    uint32_t has_stash;
    uint32_t passed; /* descriptors, with that of the stash */
    uint64_t size;   /* of the stash */
};

struct answer {
    pid_t pid;
    bool ok;
    struct error error;
};

/* Room for descriptors in a message, aligned as the kernel wants it. */
union passing {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(PASSED_MOST * sizeof(int))];
};

/* --- messages --- */

static bool send_message(int fd, struct iovec *text, const int *passed, unsigned count)
{
    union passing passing;
    struct msghdr message = {.msg_iov = text, .msg_iovlen = 1};
    ssize_t sent;
    if (count > 0) {
        memset(&passing, 0, sizeof(passing));
        message.msg_control = passing.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), passed, count * sizeof(int));
    }
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)text->iov_len;
}

/* How many descriptors came with it; they are the caller's. */
static unsigned take_passed(struct msghdr *message, int passed[PASSED_MOST])
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
        return 0;
    }
    unsigned count = (unsigned)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(passed, CMSG_DATA(header), count * sizeof(int));
    return count;
}

/* Its size; 0 at the end, or when nothing can be read, or more was sent than is taken. */
static size_t receive(int fd, struct iovec *text, int passed[PASSED_MOST], unsigned *ret_count)
{
    union passing passing;
    struct msghdr message = {.msg_iov = text,
                             .msg_iovlen = 1,
                             .msg_control = passing.bytes,
                             .msg_controllen = CMSG_LEN(PASSED_MOST * sizeof(int))};
    ssize_t got; /* a descriptor more would fit into the gap at the end of `passing` */
    do {
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    *ret_count = got > 0 ? take_passed(&message, passed) : 0;
    return got > 0 && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ? (size_t)got : 0;
}

/* --- the broker --- */

static bool is_sound(const struct question *question, size_t size, unsigned passed)
{
    return size == sizeof(*question) && question->passed == passed && question->has_stash <= 1 &&
           question->has_stash <= passed && passed - question->has_stash <= BROKER_DESCRIPTORS &&
           question->size <= SIZE_MAX;
}

static struct answer serve(const struct broker_service *service, const struct question *question,
                           const int *passed)
{
    struct answer answer;
    memset(&answer, 0, sizeof(answer)); /* it is sent, gaps and all */
    struct stash stash;
    stash_init(&stash);
    if (question->has_stash) {
        stash = (struct stash){passed[0], (size_t)question->size};
    }
    const struct broker_request request = {.kind = question->kind,
                                           .stash = &stash,
                                           .descriptors = passed + question->has_stash,
                                           .descriptors_count =
                                               question->passed - question->has_stash};
    answer.ok = service->serve(service->context, &request, &answer.pid, &answer.error);
    return answer;
}

/* False at the end. */
static bool turn(int fd, const struct broker_service *service)
{
    struct question question;
    struct answer answer;
    int passed[PASSED_MOST];
    unsigned count;
    size_t size = receive(fd, &(struct iovec){&question, sizeof(question)}, passed, &count);
    bool sound = is_sound(&question, size, count);
    if (sound) {
        answer = serve(service, &question, passed);
    }
    for (unsigned i = 0; i < count; i++) {
        close(passed[i]);
    }
    return sound && send_message(fd, &(struct iovec){&answer, sizeof(answer)}, NULL, 0);
}

/* In `ps` and for who looks for processes by name it is another one: where its first argument has
 * the room, it says so. */
static void take_name(void)
{
    static const char name[] = "agent-broker";
    size_t room = strlen(program_invocation_name);
    (void)prctl(PR_SET_NAME, name);
    if (room >= sizeof(name) - 1) {
        memset(program_invocation_name, 0, room);
        memcpy(program_invocation_name, name, sizeof(name) - 1);
    }
}

__attribute__((noreturn)) static void live(int fd, const struct broker_service *service)
{
    sigset_t all;
    sigfillset(&all); /* of who signals the group, or everybody: its end is that of the other one */
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    take_name();
    while (turn(fd, service)) {
    }
    _exit(0);
}

/* --- who asks --- */

bool broker_open(const struct broker_service *service, struct broker **ret_broker,
                 struct error *err)
{
    int ends[2];
    if (secret_in_use() > 0) { /* it would be empty there, and the pages around it in disorder */
        return error_set(err, ERROR_SYSTEM, "a broker cannot be started once a secret is known");
    }
    struct broker *broker = calloc(1, sizeof(*broker));
    if (!broker) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        free(broker);
        return error_set_errno(err, ERROR_SYSTEM, errno, "socketpair");
    }
    *broker = (struct broker){ends[0], fork()};
    if (broker->pid == 0) {
        close(ends[0]);
        live(ends[1], service);
    }
    int number = errno;
    close(ends[1]);
    if (broker->pid < 0) {
        close(ends[0]);
        free(broker);
        return error_set_errno(err, ERROR_SYSTEM, number, "fork");
    }
    *ret_broker = broker;
    return true;
}

static void await(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

void broker_close(struct broker *broker)
{
    if (broker) {
        close(broker->fd);
        await(broker->pid); /* or who reaps all has seen it */
        free(broker);
    }
}

bool broker_ask(struct broker *broker, const struct broker_request *request, pid_t *ret_pid,
                struct error *err)
{
    int passed[PASSED_MOST];
    struct answer answer;
    struct question question;
    unsigned ignored;
    bool has_stash = request->stash && request->stash->fd >= 0;
    memset(&question, 0, sizeof(question)); /* it is sent, gaps and all */
    question.kind = request->kind;
    question.has_stash = has_stash;
    question.passed = has_stash + request->descriptors_count;
    if (has_stash) {
        question.size = request->stash->size;
        passed[0] = request->stash->fd;
    }
    for (unsigned i = 0; i < request->descriptors_count; i++) {
        passed[has_stash + i] = request->descriptors[i];
    }
    if (!send_message(broker->fd, &(struct iovec){&question, sizeof(question)}, passed,
                      question.passed) ||
        receive(broker->fd, &(struct iovec){&answer, sizeof(answer)}, passed, &ignored) !=
            sizeof(answer)) {
        return error_set(err, ERROR_SYSTEM,
                         "the process that starts commands for this one (agent-broker) is gone: "
                         "restart connect-agent");
    }
    if (!answer.ok) {
        if (answer.pid > 0) {
            await(answer.pid);
        }
        *err = answer.error;
        return false;
    }
    *ret_pid = answer.pid;
    return true;
}

int broker_descriptor(const struct broker *broker)
{
    return broker->fd;
}
