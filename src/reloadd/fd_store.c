#include "reloadd/fd_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

static void free_names(char ***names)
{
    for (char **name = *names; name && *name; name++)
        free(*name);
    free(*names);
}

int fd_store_receive(struct fd_store *store)
{
    _cleanup_(free_names) char **names = NULL;
    int n = sd_listen_fds_with_names(1, &names);

    if (n <= 0)
        return n;
    store->items = calloc((size_t)n, sizeof(*store->items));
    if (!store->items)
        return -ENOMEM;
    for (int i = 0; i < n; i++) {
        store->items[i] = (struct stored_fd){SD_LISTEN_FDS_START + i, take_ptr(names[i])};
        store->n++;
    }
    return 0;
}

void fd_store_release(struct fd_store *store)
{
    for (size_t i = 0; i < store->n; i++) {
        struct stored_fd *item = &store->items[i];

        if (item->fd >= 0 && fd_store_is_own_name(item->name))
            fd_store_drop(store, item->name);
        (void)close_fd(item->fd);
        free(item->name);
    }
    free(store->items);
    store->items = NULL;
    store->n = 0;
}

void fd_store_leave(struct fd_store *store)
{
    store->keeps = false;
    fd_store_release(store);
}

int fd_store_take(struct fd_store *store, const char *name)
{
    for (size_t i = 0; i < store->n; i++)
        if (store->items[i].fd >= 0 && strcmp(store->items[i].name, name) == 0)
            return take_fd(store->items[i].fd);
    return -1;
}

void fd_store_keep(const struct fd_store *store, const char *name, int fd)
{
    char message[FD_NAME_SIZE + 64];

    if (!store->keeps)
        return;
    /* FDPOLL=0: a pidfd is readable once its process has ended, and shall be kept all the more.
     */
    (void)snprintf(message, sizeof(message), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
    (void)sd_pid_notify_with_fds(0, 0, message, &fd, 1);
}

void fd_store_drop(const struct fd_store *store, const char *name)
{
    char message[FD_NAME_SIZE + 64];

    if (!store->keeps)
        return;
    (void)snprintf(message, sizeof(message), "FDSTOREREMOVE=1\nFDNAME=%s", name);
    (void)sd_notify(0, message);
}

void fd_store_name_notify(uint64_t worker, char name[static FD_NAME_SIZE])
{
    (void)snprintf(name, FD_NAME_SIZE, "notify-%llu", (unsigned long long)worker);
}

void fd_store_name_channel(uint64_t worker, char name[static FD_NAME_SIZE])
{
    (void)snprintf(name, FD_NAME_SIZE, "channel-%" PRIu64, worker);
}

void fd_store_name_capture(uint64_t worker, char name[static FD_NAME_SIZE])
{
    (void)snprintf(name, FD_NAME_SIZE, "capture-%" PRIu64, worker);
}

void fd_store_name_worker(const struct stored_worker *worker, char name[static FD_NAME_SIZE])
{
    (void)snprintf(name, FD_NAME_SIZE, "worker-%" PRIu64 "-%" PRIu32 "-%" PRIu64 "-%" PRIu32,
                   worker->worker, worker->slot, worker->revision, worker->lane);
}

bool fd_store_read_worker(const char *name, struct stored_worker *ret_worker)
{
    struct stored_worker worker = {0};
    char again[FD_NAME_SIZE];
    int n = sscanf(name, "worker-%" SCNu64 "-%" SCNu32 "-%" SCNu64 "-%" SCNu32, &worker.worker,
                   &worker.slot, &worker.revision, &worker.lane);

    if (n < 3)
        return false;
    fd_store_name_worker(&worker, again);
    if (n == 3)
        *strrchr(again, '-') = '\0';
    if (strcmp(name, again) != 0) /* numbers that do not fit, or something behind them */
        return false;
    *ret_worker = worker;
    return true;
}

struct stored_fd *fd_store_find_worker(const struct fd_store *store, uint64_t worker,
                                       struct stored_worker *ret_worker)
{
    for (size_t i = 0; i < store->n; i++)
        if (store->items[i].fd >= 0 && fd_store_read_worker(store->items[i].name, ret_worker) &&
            ret_worker->worker == worker)
            return &store->items[i];
    return NULL;
}

/* Whether the name is the prefix and `count` numbers, each with a '-' before it but the first:
 * "notify-7.socket" is a socket unit's. */
static bool is_numbered(const char *name, const char *prefix, unsigned count)
{
    const char *at = name + strlen(prefix);

    if (strncmp(name, prefix, strlen(prefix)) != 0)
        return false;
    for (; count > 0; count--) {
        size_t digits = strspn(at, "0123456789");

        at += digits;
        if (digits == 0 || *at != (count > 1 ? '-' : '\0'))
            return false;
        at++;
    }
    return true;
}

static bool is_workers_name(const char *name)
{
    struct stored_worker worker;

    return fd_store_read_worker(name, &worker) || is_numbered(name, "notify-", 1) ||
           is_numbered(name, "channel-", 1) || is_numbered(name, "capture-", 1);
}

bool fd_store_is_own_name(const char *name)
{
    static const char *const names[] = {"polite-sockets", "polite-states", "polite-shut",
                                        "polite-filter"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return is_workers_name(name) || is_numbered(name, "lane-", 2);
}

bool fd_store_has_workers(const struct fd_store *store)
{
    for (size_t i = 0; i < store->n; i++)
        if (store->items[i].fd >= 0 && is_workers_name(store->items[i].name))
            return true;
    return false;
}
