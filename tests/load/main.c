/* loadclient: the strict load client of the tests. See client.h for its rules, and --help. */
#include "base/error.h"
#include "client.h"
#include "report.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

enum exit_code {
    EXIT_NONE_LOST = 0,
    EXIT_LOST = 1,
    EXIT_USAGE = 2,
    EXIT_CLIENT_FAILED = 3,
};

static int open_signals(int *ret_fd)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
        return error_from_errno();
    int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return error_from_errno();
    *ret_fd = fd;
    return 0;
}

static int run(const struct options *options, struct tally *tally)
{
    _cleanup_fd_ int signal_fd = -1;
    int r = open_signals(&signal_fd);
    if (r < 0)
        return r;
    if (options->timeline != NULL) {
        tally->timeline = fopen(options->timeline, "we");
        if (tally->timeline == NULL)
            return error_from_errno();
    }
    r = client_run(options, signal_fd, tally);
    return r < 0 ? r : report_write(options, tally);
}

int main(int argc, char **argv)
{
    struct options options;
    int r = options_parse(&options, argc, argv);
    if (r != 0)
        return r == 1 ? EXIT_USAGE : 0;
    _cleanup_(tally_release) struct tally tally = {0};
    r = run(&options, &tally);
    if (r < 0) {
        (void)fprintf(stderr, "loadclient: %s\n", strerror(-r));
        return EXIT_CLIENT_FAILED;
    }
    return tally_lost_sum(&tally) > 0 ? EXIT_LOST : EXIT_NONE_LOST;
}
