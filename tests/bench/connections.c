/* What one look at the connections of a worker costs (os/connections.h), in processor time:
 * for several numbers of connections and of workers. Prints a table.
 *
 *     connections_bench [CONNECTIONS]...        (default: 0 100 1000 10000) */
#include "os/connections.h"
#include "base/error.h"
#include "os/listener.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum {
    LOOKS = 20,
    WORKERS_MOST = 64,
};

/* A benchmark has nobody to tell: it ends where it can't go on. */
static void must(bool done, const char *what)
{
    if (done)
        return;
    perror(what);
    exit(1);
}

static double processor_ms(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void allow_descriptors(void)
{
    struct rlimit limit;

    must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

/* Opens `n` connections and keeps them until it is killed. */
static void be_clients(int listener, unsigned n)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;

    must(getsockname(listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    for (unsigned i = 0; i < n; i++) {
        int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        must(fd >= 0 && connect(fd, (struct sockaddr *)&address, size) == 0, "connect");
        must(write(fd, "x", 1) == 1, "write");
    }
}

static void be_worker(int listener, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        must(accept4(listener, NULL, NULL, SOCK_CLOEXEC) >= 0, "accept");
}

/* A process that is killed in the end; back once it has done what it is to do. */
static pid_t start(void (*body)(int listener, unsigned n), int listener, unsigned n,
                   int *ret_news)
{
    int news[2];
    pid_t pid;

    must(pipe2(news, O_CLOEXEC) == 0, "pipe");
    pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        body(listener, n);
        must(write(news[1], "x", 1) == 1, "write");
        for (;;)
            (void)pause();
    }
    (void)close(news[1]);
    *ret_news = news[0];
    return pid;
}

static void wait_for(int news)
{
    char byte;

    must(read(news, &byte, 1) == 1, "a process");
    (void)close(news);
}

static void end(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static void measure(unsigned worker_n, unsigned each)
{
    pid_t workers[WORKERS_MOST];
    pid_t clients[WORKERS_MOST];
    struct connections_holder holders[WORKERS_MOST] = {0};
    double costs[LOOKS];
    unsigned open = 0;
    int listener;

    must(listener_open_tcp("127.0.0.1", 0, false, 0, &listener) == 0 &&
             listener_set_nonblocking(listener, false) == 0,
         "listen");
    for (unsigned i = 0; i < worker_n; i++) {
        int worker_news;
        int client_news;

        workers[i] = start(be_worker, listener, each, &worker_news);
        clients[i] = start(be_clients, listener, each, &client_news);
        wait_for(client_news);
        wait_for(worker_news);
        holders[i] = (struct connections_holder){.pids = &workers[i], .pid_n = 1};
    }
    for (unsigned i = 0; i < LOOKS; i++) {
        double begun = processor_ms();

        must(connections_look(&listener, 1, holders, worker_n) == 0, "connections_look");
        costs[i] = processor_ms() - begun;
    }
    for (unsigned i = 0; i < worker_n; i++)
        open += holders[i].found.open;
    must(open == worker_n * each, "the count");
    qsort(costs, LOOKS, sizeof *costs, compare);
    (void)printf("| %u | %u | %.2f (%.2f-%.2f) | %.0f |\n", worker_n, each, costs[LOOKS / 2],
                 costs[0], costs[LOOKS - 1], 20 * costs[LOOKS / 2]);
    (void)fflush(stdout);
    for (unsigned i = 0; i < worker_n; i++) {
        end(clients[i]);
        end(workers[i]);
    }
    (void)close(listener);
}

int main(int argc, char **argv)
{
    static const unsigned usual[] = {0, 100, 1000, 10000};
    size_t n = argc > 1 ? (size_t)argc - 1 : sizeof usual / sizeof *usual;

    allow_descriptors();
    (void)printf(
        "| workers | connections of each | one look, ms of processor: median (min-max) "
        "of %d | then the next one after, ms |\n| --- | --- | --- | --- |\n",
        LOOKS);
    for (size_t i = 0; i < n; i++) {
        unsigned each = argc > 1 ? (unsigned)strtoul(argv[i + 1], NULL, 10) : usual[i];

        measure(1, each);
        if (each <= 1000)
            measure(WORKERS_MOST, each / 4);
    }
    return 0;
}
