#include "reloadd/blocking.h"

#include "base/log.h"
#include "base/own.h"
#include "reloadd/app.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The socket's number stays the same as long as anybody holds it. */
static char *path_of(const struct app *app, uint64_t inode)
{
    char *path = NULL;

    if (asprintf(&path, "%s/nonblocking-%llu", app->directories.runtime,
                 (unsigned long long)inode) < 0)
        return NULL;
    return path;
}

static bool is_nonblocking(const struct listener *listener)
{
    int flags = fcntl(listener->fd, F_GETFL);

    return flags >= 0 && (flags & O_NONBLOCK);
}

void blocking_remember(struct app *app)
{
    for (size_t i = 0; i < app->listeners.n && app->survives; i++) {
        const struct listener *listener = &app->listeners.items[i];
        _cleanup_free_ char *path = path_of(app, listener->identity.inode);
        _cleanup_fd_ int fd = -1;

        if (!path)
            continue;
        if (is_nonblocking(listener))
            fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        else
            (void)unlink(path);
    }
}

/* The service manager hands over stored descriptors as they are; those of socket units not. */
static void restore(struct app *app, const struct stored_fd *item)
{
    struct stat status;
    _cleanup_free_ char *path = NULL;
    bool wanted;
    int r;

    if (fstat(item->fd, &status) < 0 || !S_ISSOCK(status.st_mode))
        return;
    path = path_of(app, status.st_ino);
    wanted = path && access(path, F_OK) == 0;
    r = listener_set_nonblocking(item->fd, wanted);
    if (r < 0)
        app_say(app, LEVEL_ERROR, "the socket %s can't be made %s again: %s", item->name,
                wanted ? "non-blocking" : "blocking", strerror(-r));
}

void blocking_restore(struct app *app)
{
    for (size_t i = 0; i < app->store.n; i++)
        if (!fd_store_is_own_name(app->store.items[i].name))
            restore(app, &app->store.items[i]);
}

void blocking_begin(struct app *app)
{
    for (size_t i = 0; i < app->listeners.inherited_n; i++) {
        const struct inherited *inherited = &app->listeners.inherited[i];
        _cleanup_free_ char *path = path_of(app, inherited->description.identity.inode);
        int r = 0;

        if (inherited->taken)
            continue;
        if (path)
            (void)unlink(path);
        r = listener_set_nonblocking(inherited->fd, false);

        if (r < 0)
            app_say(app, LEVEL_ERROR, "%s can't be made blocking: %s",
                    inherited->description.address, strerror(-r));
    }
}
