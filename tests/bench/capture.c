/* What the filter of os/capture_filter.h costs the calls that are not its business, and what a
 * bind that is held costs.
 *
 *     capture_bench [CALLS]      calls of each kind in one round (default 2,000,000)
 *
 * Each kind is run with and without the filter in turns, and the best of the rounds is told, so
 * that what else the machine does counts least.
 */
#include "os/capture.h"
#include "base/error.h"
#include "os/capture_filter.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum {
    ROUNDS = 7,
    BINDS = 5000,
};

static double now(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Each makes the call `calls` times. */

static void call_getppid(long calls)
{
    for (long i = 0; i < calls; i++)
        (void)syscall(SYS_getppid);
}

static void call_read(long calls)
{
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    char byte;

    for (long i = 0; i < calls; i++)
        if (read(fd, &byte, 1) != 1)
            break;
    (void)close(fd);
}

/* Not told of, but the program must look at its arguments, so that no bitmap answers. */
static void call_short_bind(long calls)
{
    for (long i = 0; i < calls; i++)
        (void)bind(-1, NULL, 0);
}

struct kind {
    const char *name;
    void (*call)(long calls);
};

static const struct kind kinds[] = {
    {"getppid", call_getppid},
    {"read of a byte", call_read},
    {"bind that the filter lets pass", call_short_bind},
};

/* Runs one round in a process of its own, for a filter is for ever. Returns ns a call, or a
 * negative number. */
static double measure(const struct kind *kind, bool filtered, long calls)
{
    double spent = -1;
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        double from;
        int fd;

        if (filtered && capture_filter_install(CAPTURE_FILTER_INTERNET, &fd) < 0)
            _exit(1);
        kind->call(calls / 20);
        from = now();
        kind->call(calls);
        spent = (now() - from) / (double)calls * 1e9;
        _exit(write(ends[1], &spent, sizeof spent) != (ssize_t)sizeof spent);
    }
    (void)close(ends[1]);
    if (read(ends[0], &spent, sizeof spent) != (ssize_t)sizeof spent)
        spent = -1;
    (void)close(ends[0]);
    (void)waitpid(pid, NULL, 0);
    return spent;
}

static void compare(const struct kind *kind, long calls)
{
    double best[2] = {1e9, 1e9};

    for (int i = 0; i < 2 * ROUNDS; i++) {
        double spent = measure(kind, i % 2 == 1, calls);

        if (spent >= 0 && spent < best[i % 2])
            best[i % 2] = spent;
    }
    printf("%-32s %7.1f ns without, %7.1f ns with, %+.1f ns\n", kind->name, best[0], best[1],
           best[1] - best[0]);
}

/* Binds a fresh socket again and again, and tells the time of all of it. */
static int bind_often(int channel, int news, bool filtered)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    double spent = 0;
    int filter = -1;

    if (filtered && (capture_filter_install(CAPTURE_FILTER_INTERNET, &filter) < 0 ||
                     capture_filter_hand_over(channel, filter) < 0))
        return 1;
    (void)close_fd(filter);
    for (int i = 0; i < BINDS; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        double from = now();

        if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
            return 1;
        spent += now() - from;
        (void)close(fd);
    }
    return write(news, &spent, sizeof spent) != (ssize_t)sizeof spent;
}

enum answer {
    ANSWER_NONE, /* no filter */
    ANSWER_PASS,
    ANSWER_PLACE,
    ANSWER_N,
};

/* Returns µs a bind, or a negative number. */
static double measure_bind(enum answer answer, int lane)
{
    struct pollfd item = {.fd = -1, .events = POLLIN};
    struct capture_request request;
    double spent = -1;
    int channel[2];
    int news[2];
    int rv = 0;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0 ||
        pipe2(news, O_CLOEXEC) < 0)
        return -1;
    if (fork() == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        _exit(bind_often(channel[1], news[1], answer != ANSWER_NONE));
    }
    (void)close(channel[1]);
    (void)close(news[1]);
    item.fd = channel[0];
    if (answer != ANSWER_NONE &&
        (poll(&item, 1, -1) < 0 || capture_take(item.fd, &item.fd) != 0))
        return -1;
    while (answer != ANSWER_NONE && rv >= 0 && rv != CAPTURE_ENDED && poll(&item, 1, -1) == 1) {
        rv = capture_receive(item.fd, &request);
        if (rv == 0)
            rv = answer == ANSWER_PASS ? capture_pass(item.fd, &request)
                                       : capture_place(item.fd, &request, lane);
    }
    if (read(news[0], &spent, sizeof spent) != (ssize_t)sizeof spent)
        spent = -1;
    (void)wait(NULL);
    if (item.fd != channel[0])
        (void)close(item.fd);
    (void)close(channel[0]);
    (void)close(news[0]);
    return spent / BINDS * 1e6;
}

int main(int argc, char **argv)
{
    static const char *const names[ANSWER_N] = {
        [ANSWER_NONE] = "bind without a filter",
        [ANSWER_PASS] = "bind told of, and passed",
        [ANSWER_PLACE] = "bind told of, and a lane placed",
    };
    long calls = argc > 1 ? strtol(argv[1], NULL, 10) : 2000000;
    int lane = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (calls <= 0 || lane < 0 || listen(lane, SOMAXCONN) < 0) {
        (void)fputs("usage: capture_bench [CALLS]\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        compare(&kinds[i], calls);
    for (enum answer i = ANSWER_NONE; i < ANSWER_N; i++)
        printf("%-32s %7.1f µs\n", names[i], measure_bind(i, lane));
    return 0;
}
