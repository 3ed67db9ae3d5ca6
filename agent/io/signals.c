#include "io/signals.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void on_ready(void *context, uint32_t events)
{
    struct signals *signals = context;
    struct signalfd_siginfo info;
    (void)events;
    if (read(signals->source.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        signals->received(signals->context, (int)info.ssi_signo, info.ssi_code == SI_KERNEL);
    }
}

bool signals_init(struct signals *signals, struct loop *loop, const sigset_t *set,
                  void (*received)(void *context, int signal, bool from_terminal), void *context,
                  struct error *err)
{
    *signals = (struct signals){.loop = loop, .received = received, .context = context};
    if (sigprocmask(SIG_BLOCK, set, &signals->previous) < 0) {
        return error_set_errno(err, ERROR_SYSTEM, errno, "sigprocmask");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    int fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return error_set_errno(err, ERROR_SYSTEM, errno, "signalfd");
    }
    signals->source = (struct loop_source){.fd = fd, .ready = on_ready, .context = signals};
    if (!loop_add(loop, &signals->source, EPOLLIN, err)) {
        close(fd);
        return false;
    }
    return true;
}

void signals_done(struct signals *signals)
{
    loop_remove(signals->loop, &signals->source);
    close(signals->source.fd);
    (void)sigprocmask(SIG_SETMASK, &signals->previous, NULL);
}
