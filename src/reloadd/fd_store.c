#include "reloadd/fd_store.h"

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

void fd_store_name_worker(uint64_t worker, uint32_t slot, uint64_t revision,
                          char name[static FD_NAME_SIZE])
{
    (void)snprintf(name, FD_NAME_SIZE, "worker-%llu-%u-%llu", (unsigned long long)worker, slot,
                   (unsigned long long)revision);
}

bool fd_store_read_worker(const char *name, uint64_t *ret_worker, uint32_t *ret_slot,
                          uint64_t *ret_revision)
{
    unsigned long long worker;
    unsigned long long revision;
    unsigned slot;
    char again[FD_NAME_SIZE];

    if (sscanf(name, "worker-%llu-%u-%llu", &worker, &slot, &revision) != 3)
        return false;
    fd_store_name_worker(worker, slot, revision, again);
    if (strcmp(name, again) != 0) /* numbers that do not fit, or something behind them */
        return false;
    *ret_worker = worker;
    *ret_slot = slot;
    *ret_revision = revision;
    return true;
}

static bool is_of_a_worker(const char *name)
{
    unsigned long long worker;
    uint64_t number;
    uint64_t revision;
    uint32_t slot;
    char again[FD_NAME_SIZE];

    if (fd_store_read_worker(name, &number, &slot, &revision))
        return true;
    if (sscanf(name, "notify-%llu", &worker) != 1)
        return false;
    fd_store_name_notify(worker, again);
    return strcmp(name, again) == 0; /* "notify-7.socket" is a socket unit's */
}

bool fd_store_is_own_name(const char *name)
{
    static const char *const names[] = {"polite-sockets", "polite-states", "polite-shut",
                                        "polite-filter"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return is_of_a_worker(name);
}

bool fd_store_has_workers(const struct fd_store *store)
{
    for (size_t i = 0; i < store->n; i++)
        if (store->items[i].fd >= 0 && is_of_a_worker(store->items[i].name))
            return true;
    return false;
}
