#include "loop/signals.h"

#include "base/error.h"

#include <signal.h>
#include <sys/wait.h>
#include <uv.h>

/* Every handle has its own memory, for each is closed by itself. */
struct signal_watch {
    uv_signal_t uv;
    struct signals *signals;
    struct signal_watch *next;
};

struct signals {
    uv_prepare_t look; /* active while one of ours hides what is behind it */
    struct signals_handlers handlers;
    void *user;
    struct signal_watch *watches;
};

/* Reaps strangers. Returns true when a dead child of ours stands first: the kernel shows one
 * dead child at a time, and goes on showing it until it is reaped. */
static bool reap_strangers(struct signals *signals)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
            return false; /* ECHILD, or none is dead */
        if (signals->handlers.is_ours(signals->user, info.si_pid))
            return true;
        int status = 0;
        if (waitpid(info.si_pid, &status, WNOHANG) == info.si_pid && signals->handlers.reaped)
            signals->handlers.reaped(signals->user, info.si_pid, status);
        if (uv_is_closing((uv_handle_t *)&signals->look))
            return false; /* freed by its own callback */
    }
}

/* Runs before the loop sleeps, so after every callback that may have reaped the one in front.
 */
static void on_look(uv_prepare_t *handle)
{
    struct signals *signals = handle->data;
    if (!reap_strangers(signals))
        (void)uv_prepare_stop(handle);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct signal_watch *watch = handle->data;
    struct signals *signals = watch->signals;
    if (number == SIGCHLD && signals->handlers.is_ours)
        (void)uv_prepare_start(&signals->look, on_look);
    else
        signals->handlers.received(signals->user, number);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int signals_watch(struct signals *signals, struct loop *loop, int number)
{
    struct signal_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    int r = uv_signal_init(loop_handle(loop), &watch->uv);
    if (r < 0) {
        free(watch);
        return r;
    }
    watch->uv.data = watch;
    watch->signals = signals;
    watch->next = signals->watches;
    signals->watches = watch; /* closed with the others, also when starting it fails */
    return uv_signal_start(&watch->uv, on_signal, number);
}

int signals_new(struct loop *loop, const int *numbers, const struct signals_handlers *handlers,
                void *user, struct signals **ret_signals)
{
    struct signals *signals = calloc(1, sizeof(*signals));
    if (!signals)
        return -ENOMEM;
    signals->handlers = *handlers;
    signals->user = user;
    int r = uv_prepare_init(loop_handle(loop), &signals->look);
    assert(r == 0); /* it has no way to fail (uv/src/unix/loop-watcher.c) */
    signals->look.data = signals;

    for (const int *number = numbers; r == 0 && *number; number++)
        r = signals_watch(signals, loop, *number);
    if (r == 0 && handlers->is_ours) {
        r = signals_watch(signals, loop, SIGCHLD);
        /* Children may have died before anybody listened: look once without being told. */
        (void)uv_prepare_start(&signals->look, on_look);
    }
    if (r == 0 && signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        r = error_from_errno();
    if (r < 0) {
        signals_free(signals);
        return r;
    }
    *ret_signals = signals;
    return 0;
}

static void on_signals_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void signals_free(struct signals *signals)
{
    if (!signals)
        return;
    struct signal_watch *next;
    for (struct signal_watch *watch = signals->watches; watch; watch = next) {
        next = watch->next;
        uv_close((uv_handle_t *)&watch->uv, on_watch_closed);
    }
    uv_close((uv_handle_t *)&signals->look, on_signals_closed);
}
