/* What steering costs, and what it is worth: connections per second and their spread over four
 * workers, from one queue and from lanes; and the price of each verb of os/steering.h and its
 * neighbours. Prints a table.
 *
 *     lanes_bench [SECONDS-A-RATE [MICROSECONDS-OF-WORK-A-CONNECTION [CLIENTS]]] */
#include "base/error.h"
#include "os/accept_queue.h"
#include "os/handshakes.h"
#include "os/listener.h"
#include "os/steering.h"
#include "os/steering_order.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum {
    WORKERS = 4,
    CLIENTS_MAX = 1024,
    LANES_MAX = 512,
    ROUNDS = 1000,
};

struct shared {
    atomic_bool over;
    atomic_uint served[WORKERS];
};

/* A benchmark has nobody to tell: it ends where it can't go on. */
static void must(int rv, const char *what)
{
    if (rv == 0)
        return;
    (void)fprintf(stderr, "lanes_bench: %s: %d\n", what, rv);
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

/* A program's own work, in processor time: what others take away meanwhile is not work. */
static void work(double seconds)
{
    double end = seconds > 0 ? read_clock(CLOCK_PROCESS_CPUTIME_ID) + seconds : 0;

    while (seconds > 0 && read_clock(CLOCK_PROCESS_CPUTIME_ID) < end)
        continue;
}

/* As most servers do: an epoll set with the listener in it, level-triggered. */
static void serve(int listener, double work_seconds, atomic_uint *served)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(EPOLL_CLOEXEC);

    must(epoll_ctl(set, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
    for (;;) {
        int fd;

        (void)epoll_wait(set, &event, 1, -1);
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        work(work_seconds);
        if (write(fd, "x", 1) == 1)
            (*served)++;
        (void)close(fd);
    }
}

static void ask(const struct sockaddr_in *address, struct shared *shared)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};

    while (!shared->over) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char byte;

        must(connect(fd, (const struct sockaddr *)address, sizeof *address), "connect");
        must(read(fd, &byte, 1) != 1, "read");
        must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), "setsockopt");
        (void)close(fd);
    }
}

static pid_t start(void)
{
    pid_t pid = fork();

    must(pid < 0, "fork");
    if (pid == 0)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    return pid;
}

static void print_rate(const char *name, const struct shared *shared, double seconds)
{
    unsigned least = shared->served[0];
    unsigned most = shared->served[0];
    unsigned sum = 0;

    for (int i = 0; i < WORKERS; i++) {
        unsigned served = shared->served[i];

        least = served < least ? served : least;
        most = served > most ? served : most;
        sum += served;
    }
    printf("%-22s %8.0f connections/s   max/min %5.2f   (", name, sum / seconds,
           (double)most / (least > 0 ? least : 1));
    for (int i = 0; i < WORKERS; i++)
        printf("%s%u", i > 0 ? " " : "", shared->served[i]);
    printf(")\n");
}

static void measure_rate(const char *name, const int *listeners, size_t listener_count,
                         double seconds, double work_seconds, size_t client_count)
{
    const struct timespec wait = {.tv_sec = (time_t)seconds};
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    pid_t workers[WORKERS];
    pid_t clients[CLIENTS_MAX];
    double begin = now();

    must(getsockname(listeners[0], (struct sockaddr *)&address, &size), "getsockname");
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = start();
        if (workers[i] == 0)
            serve(listeners[i % listener_count], work_seconds, &shared->served[i]);
    }
    for (size_t i = 0; i < client_count; i++) {
        clients[i] = start();
        if (clients[i] == 0) {
            ask(&address, shared);
            _exit(0);
        }
    }
    (void)nanosleep(&wait, NULL);
    shared->over = true;
    for (size_t i = 0; i < client_count; i++)
        (void)waitpid(clients[i], NULL, 0);
    print_rate(name, shared, now() - begin);
    for (size_t i = 0; i < WORKERS; i++) {
        (void)kill(workers[i], SIGKILL);
        (void)waitpid(workers[i], NULL, 0);
    }
    (void)munmap(shared, sizeof *shared);
}

static void apply_equal(int fd, size_t count)
{
    struct steering_share shares[LANES_MAX];

    for (size_t i = 0; i < count; i++)
        shares[i] = (struct steering_share){.index = (uint32_t)i, .weight = 1};
    must(steering_apply(fd, &(struct steering_plan){.shares = shares, .share_count = count}),
         "steering_apply");
}

static void measure_rates(double seconds, double work_seconds, size_t client_count)
{
    int lanes[WORKERS];

    must(listener_open_tcp("127.0.0.1", 0, false, 0, &lanes[0]), "listener_open_tcp");
    measure_rate("one shared queue", lanes, 1, seconds, work_seconds, client_count);
    must(steering_prepare(lanes[0]), "steering_prepare");
    for (int i = 1; i < WORKERS; i++)
        must(steering_open_lane(lanes[0], &lanes[i]), "steering_open_lane");
    measure_rate("lanes, by hash", lanes, WORKERS, seconds, work_seconds, client_count);
    apply_equal(lanes[0], WORKERS);
    measure_rate("lanes, steered", lanes, WORKERS, seconds, work_seconds, client_count);
    for (int i = 0; i < WORKERS; i++)
        (void)close(lanes[i]);
}

static void print_price(const char *what, size_t lanes, double begin, int rounds)
{
    printf("%-22s %4zu lanes   %9.2f us\n", what, lanes, (now() - begin) / rounds * 1e6);
}

static void measure_verbs(size_t count)
{
    const struct steering_share share = {.index = 0, .weight = 1};
    const struct steering_plan plan = {.shares = &share, .share_count = 1};
    struct accept_queue queue;
    uint32_t indexes[LANES_MAX];
    int lanes[LANES_MAX];
    double begin;

    must(listener_open_tcp("127.0.0.1", 0, false, 0, &lanes[0]), "listener_open_tcp");
    must(steering_prepare(lanes[0]), "steering_prepare");
    begin = now();
    for (size_t i = 1; i < count; i++)
        must(steering_open_lane(lanes[0], &lanes[i]), "steering_open_lane");
    print_price("open_lane (each)", count, begin, (int)count - 1);
    begin = now();
    for (int i = 0; i < ROUNDS; i++)
        apply_equal(lanes[0], count);
    print_price("apply", count, begin, ROUNDS);
    begin = now();
    must(steering_order_learn(lanes, count, &plan, indexes), "steering_order_learn");
    print_price("order_learn (all)", count, begin, 1);
    begin = now();
    for (int i = 0; i < ROUNDS; i++)
        must(accept_queue_look(lanes[0], &queue), "accept_queue_look");
    print_price("accept_queue_look", count, begin, ROUNDS);
    for (size_t i = 0; i < count; i++)
        (void)close(lanes[i]);
}

static void measure_handshakes(size_t connections)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    struct handshakes handshakes;
    int *fds = calloc(2 * connections + 1, sizeof *fds);
    double begin;

    must(fds == NULL, "calloc");
    must(listener_open_tcp("127.0.0.1", 0, false, 0, &fds[0]), "listener_open_tcp");
    must(getsockname(fds[0], (struct sockaddr *)&address, &size), "getsockname");
    for (size_t i = 1; i < 2 * connections; i += 2) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        must(connect(fds[i], (const struct sockaddr *)&address, size), "connect");
        fds[i + 1] = accept4(fds[0], NULL, NULL, SOCK_CLOEXEC);
        must(fds[i + 1] < 0, "accept4");
    }
    begin = now();
    for (int i = 0; i < 100; i++) {
        must(handshakes_take(fds[0], &handshakes), "handshakes_take");
        handshakes_release(&handshakes);
    }
    printf("handshakes_take, %zu connections open: %.0f us\n", connections,
           (now() - begin) / 100 * 1e6);
    for (size_t i = 0; i < 2 * connections + 1; i++)
        (void)close(fds[i]);
    free(fds);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 3;
    double work_seconds = argc > 2 ? strtod(argv[2], NULL) / 1e6 : 0;
    size_t client_count = argc > 3 ? strtoul(argv[3], NULL, 10) : 64;
    struct rlimit limit;

    if (client_count < 1 || client_count > CLIENTS_MAX)
        must(-EINVAL, "CLIENTS: 1 … 1024");
    must(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    measure_rates(seconds, work_seconds, client_count);
    measure_verbs(4);
    measure_verbs(64);
    measure_verbs(LANES_MAX);
    measure_handshakes(0);
    measure_handshakes(9000);
    return 0;
}
