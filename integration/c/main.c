/* webworker: the bundled worker. Takes its listeners as systemd hands them over (LISTEN_FDS),
 * says READY=1, and serves as server.h tells.
 *
 * With WEBWORKER_FAULT set it is a bad release on purpose, for the tests: "exit" ends at once,
 * "silent" never serves, "leave" drains and ends with code 7 a second after it was ready.
 */
#include "server.h"

#include "base/error.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

enum {
    LISTENER_MAX = 16,
    EXIT_FAULT = 7,
};

/* The descriptors are shared with the other workers, and so is O_NONBLOCK: each wants it. */
static int take_listeners(int ret[LISTENER_MAX])
{
    int listener_n = sd_listen_fds(1);
    if (listener_n <= 0)
        return listener_n < 0 ? listener_n : -ENOTSOCK;
    if (listener_n > LISTENER_MAX)
        return -E2BIG;
    for (int i = 0; i < listener_n; i++) {
        ret[i] = SD_LISTEN_FDS_START + i;
        int flags = fcntl(ret[i], F_GETFL);
        if (flags < 0 || fcntl(ret[i], F_SETFL, flags | O_NONBLOCK) < 0)
            return error_from_errno();
    }
    return listener_n;
}

static void revision_word(char *ret, size_t size)
{
    const char *revision = getenv("RELOADD_REVISION");
    const char *release = getenv("RELOADD_RELEASE");
    bool labelled = release != NULL && release[0] != '\0';
    (void)snprintf(ret, size, "%s%s%s", revision != NULL ? revision : "0", labelled ? ":" : "",
                   labelled ? release : "");
}

/* Returns whether to serve. */
static bool commit_fault(const char *fault)
{
    if (strcmp(fault, "exit") == 0) {
        (void)fprintf(stderr, "webworker: this release is broken\n");
        exit(EXIT_FAULT);
    }
    if (strcmp(fault, "leave") == 0)
        (void)alarm(1);
    return strcmp(fault, "silent") != 0;
}

int main(void)
{
    const char *fault = getenv("WEBWORKER_FAULT");
    int listeners[LISTENER_MAX];
    if (fault != NULL && !commit_fault(fault)) {
        for (;;)
            (void)pause();
    }
    int r = take_listeners(listeners);
    if (r < 0) {
        (void)fprintf(stderr, "webworker: no listening socket was handed in: %s\n",
                      strerror(-r));
        return EXIT_FAILURE;
    }
    char revision[64];
    revision_word(revision, sizeof revision);
    (void)sd_notify(0, "READY=1"); /* what comes before epoll watches waits in the queue */
    r = server_run(listeners, (size_t)r, revision);
    if (r < 0)
        (void)fprintf(stderr, "webworker: %s\n", strerror(-r));
    if (r == 0 && fault != NULL)
        return EXIT_FAULT;
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
