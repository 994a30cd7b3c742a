#include "os/polite_rescue.h"

#include "os/proc.h"

#include "bpf/polite_state.h"

#include <bpf/bpf.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

enum {
    PATH_SIZE = 32,
    UNREAD_MS = 8, /* two ticks, where CONFIG_HZ is 250 */
};

static bool thread_sleeps(pid_t thread)
{
    struct proc_stat stat;

    return proc_stat_read(thread, &stat) != 0 || stat.state == 'S' || stat.state == 'Z';
}

bool polite_worker_sleeps(const struct polite_worker *worker)
{
    for (size_t i = 0; i < worker->pid_n; i++) {
        _cleanup_dir_ DIR *dir = NULL;
        char path[PATH_SIZE];
        int thread;

        (void)snprintf(path, sizeof path, "/proc/%d/task", (int)worker->pids[i]);
        if (proc_open(path, &dir) != 0)
            continue;
        while (proc_next(dir, &thread) == 0)
            if (!thread_sleeps(thread))
                return false;
    }
    return true;
}

/* Pieces of a head that are kept back would be lost. */
static bool keeps_back(const struct polite *polite, const struct polite_connection *connection)
{
    struct polite_state state;

    return bpf_map_lookup_elem(polite->states, &connection->cookie, &state) < 0 ||
           state.pieces > 0;
}

bool polite_rescue(const struct polite *polite, const struct polite_connection *connection,
                   int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    int least = 1;
    socklen_t least_size = sizeof least;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        info.tcpi_last_data_recv < UNREAD_MS || keeps_back(polite, connection) ||
        bpf_map_delete_elem(polite->sockets, &connection->cookie) < 0)
        return false;
    /* tcp_set_rcvlowat() calls whoever waits for data, also where the number stays the same. */
    (void)getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, &least_size);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
    return true;
}
