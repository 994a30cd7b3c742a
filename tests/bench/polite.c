/* What a polite drain costs: the loading of its programs, the covering of many connections, and
 * the requests of a covered one. Prints a table.
 *
 *     polite_bench [CONNECTIONS [SECONDS-A-RATE]]
 *
 * Both are 10000 and 2 where nothing is said. Needs root. */
#include "os/polite.h"
#include "base/error.h"
#include "os/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define REQUEST "GET /x HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n\r\n"
#define RESPONSE                                                                               \
    "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"              \
    "Content-Type: text/plain\r\nContent-Length: 2\r\n"
#define SETTLED RESPONSE "Connection: keep-alive\r\n\r\nhi"
#define JUDGED                                                                                 \
    RESPONSE "Connection: upgrade\r\n\r\nhi" /* left each time, so read each time              \
                                              */

enum {
    SAMPLES_MAX = 4000000,
    OWNER = 1,
};

/* A benchmark has nobody to tell: it ends where it can't go on. */
static void must(int rv, const char *what)
{
    if (rv == 0)
        return;
    (void)fprintf(stderr, "polite_bench: %s: %d (%s)\n", what, rv, strerror(errno));
    exit(1);
}

static double read_clock(clockid_t clock)
{
    struct timespec time;

    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Both clocks: what others take away of the processor is in the first one alone. */
struct stopwatch {
    double wall;
    double processor;
};

static struct stopwatch begin_watch(void)
{
    return (struct stopwatch){now(), read_clock(CLOCK_PROCESS_CPUTIME_ID)};
}

static void end_watch(const struct stopwatch *begin, const char *what, unsigned count)
{
    double processor = read_clock(CLOCK_PROCESS_CPUTIME_ID) - begin->processor;

    printf("%-32s %6u %8.1f ms, %8.1f ms of the processor\n", what, count,
           (now() - begin->wall) * 1e3, processor * 1e3);
}

struct stage {
    struct polite polite;
    int listener;
    struct sockaddr_in address;
};

static struct polite_worker worker_of(const struct stage *stage, const pid_t *pid,
                                      uint16_t *port)
{
    *port = ntohs(stage->address.sin_port);
    return (struct polite_worker){
        .pids = pid, .pid_n = 1, .ports = port, .port_n = 1, .owner = OWNER};
}

static int connect_one(const struct stage *stage)
{
    const struct linger reset = {.l_onoff = 1};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    must(connect(fd, (const struct sockaddr *)&stage->address, sizeof stage->address),
         "connect");
    must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), "linger");
    must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), "nodelay");
    return fd;
}

static pid_t start(void)
{
    pid_t pid = fork();

    must(pid < 0, "fork");
    if (pid == 0)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    return pid;
}

static void end(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

/* Accepts, and holds all of it. */
static pid_t start_holder(const struct stage *stage, int count)
{
    pid_t pid = start();

    if (pid > 0)
        return pid;
    for (int i = 0; i < count; i++)
        if (accept4(stage->listener, NULL, NULL, SOCK_CLOEXEC) < 0)
            _exit(1);
    for (;;)
        (void)pause();
}

static void measure_loading(void)
{
    struct stopwatch watch = begin_watch();
    struct polite polite;

    must(polite_open(1, &polite), "polite_open");
    polite_release(&polite);
    end_watch(&watch, "load and drop the programs", 1);
}

static void measure_cover(const struct stage *stage, int count)
{
    struct polite_covered covered = {0};
    struct polite_counts counts;
    int *fds = calloc((size_t)count, sizeof *fds);
    pid_t holder = start_holder(stage, count);
    uint16_t port;
    const struct polite_worker worker = worker_of(stage, &holder, &port);
    struct stopwatch watch;

    must(fds == NULL, "calloc");
    for (int i = 0; i < count; i++)
        fds[i] = connect_one(stage);
    while (covered.before + covered.covered < (unsigned)count) {
        watch = begin_watch();
        must(polite_cover(&stage->polite, &worker, &covered), "polite_cover");
        end_watch(&watch, "cover", covered.covered);
    }
    watch = begin_watch();
    must(polite_cover(&stage->polite, &worker, &covered), "polite_cover");
    end_watch(&watch, "look for new ones, covered", covered.before);
    watch = begin_watch();
    must(polite_look(&stage->polite, OWNER, &counts), "polite_look");
    end_watch(&watch, "count", counts.open);
    for (int i = 0; i < count; i++)
        (void)close(fds[i]);
    end(holder);
    must(polite_forget(&stage->polite, OWNER), "polite_forget");
    free(fds);
}

/* Answers whatever comes, on one connection. */
static pid_t start_server(const struct stage *stage, const char *response)
{
    size_t size = strlen(response);
    char request[4096];
    int one = 1;
    int fd;
    pid_t pid = start();

    if (pid != 0)
        return pid;
    fd = accept4(stage->listener, NULL, NULL, SOCK_CLOEXEC);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    while (recv(fd, request, sizeof request, 0) > 0)
        if (send(fd, response, size, MSG_NOSIGNAL) != (ssize_t)size)
            _exit(1);
    _exit(0);
}

static int compare_doubles(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

/* One request after the other; returns when the time is over. */
static size_t ask(int fd, size_t size, double seconds, double *samples)
{
    char response[4096];
    double last = now();
    double stop = last + seconds;
    size_t count = 0;

    while (last < stop && count < SAMPLES_MAX) {
        double at;

        must(send(fd, REQUEST, strlen(REQUEST), 0) < 0, "send");
        for (size_t got = 0; got < size;) {
            ssize_t part = recv(fd, response, sizeof response, 0);

            must(part <= 0, "recv");
            got += (size_t)part;
        }
        at = now();
        samples[count++] = at - last;
        last = at;
    }
    return count;
}

enum mode {
    PLAIN,
    WATCHED,
    COVERED,
};

static void measure_requests(const struct stage *stage, const char *name, enum mode mode,
                             const char *response, double seconds)
{
    double *samples = malloc(SAMPLES_MAX * sizeof *samples);
    pid_t server = start_server(stage, response);
    struct polite_covered covered = {0};
    uint16_t port;
    const struct polite_worker worker = worker_of(stage, &server, &port);
    int fd = connect_one(stage);
    size_t count;

    must(samples == NULL, "malloc");
    (void)ask(fd, strlen(response), 0.2, samples);
    if (mode == WATCHED)
        must(polite_watch(&stage->polite, &worker, &covered), "polite_watch");
    if (mode == COVERED)
        must(polite_cover(&stage->polite, &worker, &covered), "polite_cover");
    must(mode != PLAIN && covered.covered != 1, "covered");
    (void)ask(fd, strlen(response), 0.2, samples);
    count = ask(fd, strlen(response), seconds, samples);
    qsort(samples, count, sizeof *samples, compare_doubles);
    printf("%-36s %8.0f requests/s, median %6.2f us, 99 %% %6.2f us\n", name,
           (double)count / seconds, samples[count / 2] * 1e6, samples[count * 99 / 100] * 1e6);
    (void)close(fd);
    end(server);
    must(polite_forget(&stage->polite, OWNER), "polite_forget");
    free(samples);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 10000;
    double seconds = argc > 2 ? atof(argv[2]) : 2;
    struct rlimit limit;
    struct stage stage = {.polite = POLITE_NONE};
    socklen_t size = sizeof stage.address;

    must(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
    measure_loading();
    must(polite_open(65536, &stage.polite), "polite_open");
    must(listener_open_tcp("127.0.0.1", 0, false, 0, &stage.listener), "listener");
    must(listener_set_nonblocking(stage.listener, false), "listener");
    must(getsockname(stage.listener, (struct sockaddr *)&stage.address, &size), "getsockname");
    measure_cover(&stage, count);
    for (int round = 0; round < 3; round++) {
        measure_requests(&stage, "not covered", PLAIN, SETTLED, seconds);
        measure_requests(&stage, "watched", WATCHED, SETTLED, seconds);
        measure_requests(&stage, "covered, after its one change", COVERED, SETTLED, seconds);
        measure_requests(&stage, "covered, each head read", COVERED, JUDGED, seconds);
    }
    polite_release(&stage.polite);
    return 0;
}
