#include "reloadd/blocking.h"

#include "base/log.h"
#include "base/own.h"
#include "reloadd/app.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The socket's number stays the same as long as anybody holds it. */
static char *path_of(const struct app *app, const struct listener *listener)
{
    char *path = NULL;

    if (asprintf(&path, "%s/nonblocking-%llu", app->directories.runtime,
                 (unsigned long long)listener->identity.inode) < 0)
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
        _cleanup_free_ char *path = path_of(app, listener);
        _cleanup_fd_ int fd = -1;

        if (!path)
            continue;
        if (is_nonblocking(listener))
            fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        else
            (void)unlink(path);
    }
}

void blocking_restore(struct app *app)
{
    for (size_t i = 0; i < app->listeners.n; i++) {
        const struct listener *listener = &app->listeners.items[i];
        _cleanup_free_ char *path = path_of(app, listener);
        bool wanted = path && access(path, F_OK) == 0;
        int r = is_nonblocking(listener) == wanted
                    ? 0
                    : listener_set_nonblocking(listener->fd, wanted);

        if (r < 0)
            app_say(app, LEVEL_ERROR, "%s can't be made %s again: %s", listener->bound,
                    wanted ? "non-blocking" : "blocking", strerror(-r));
    }
}

void blocking_begin(struct app *app)
{
    for (size_t i = 0; i < app->listeners.inherited_n; i++) {
        const struct inherited *inherited = &app->listeners.inherited[i];
        int r = inherited->taken ? 0 : listener_set_nonblocking(inherited->fd, false);

        if (r < 0)
            app_say(app, LEVEL_ERROR, "%s can't be made blocking: %s",
                    inherited->description.address, strerror(-r));
    }
}
