#include "reloadd/socket_files.h"

#include "base/error.h"
#include "base/log.h"
#include "loop/descriptor.h"
#include "os/socket_file.h"
#include "reloadd/app.h"
#include "reloadd/process.h"

#include <libgen.h>
#include <stdalign.h>
#include <string.h>
#include <sys/inotify.h>

struct socket_files {
    int fd; /* owned by `watch` */
    struct descriptor *watch;
};

enum { NOTICES_SIZE = 4096 };

void socket_files_restore(struct app *app)
{
    for (size_t i = 0; i < app->listeners.n; i++) {
        const struct listener *listener = &app->listeners.items[i];
        int r = listener->kept ? socket_file_restore(listener->address) : 0;

        if (r == 1)
            log_debug("%s was removed, and is there again", listener->address);
        if (r < 0)
            app_say(app, LEVEL_WARNING, "%s can't be put back: %s", listener->address,
                    r == -EEXIST ? "another file has its name" : strerror(-r));
    }
}

/* What they say is not looked at: whatever is missing is put back. */
static void on_notice(void *user, int fd)
{
    struct app *app = user;
    alignas(struct inotify_event) char notices[NOTICES_SIZE];

    while (read(fd, notices, sizeof(notices)) > 0)
        continue;
    socket_files_restore(app);
}

static int begin(struct app *app)
{
    struct socket_files *files;
    _cleanup_fd_ int fd = -1;
    int r;

    if (app->socket_files)
        return 0;
    fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    files = calloc(1, sizeof(*files));
    r = fd < 0 ? error_from_errno() : 0;
    if (!files)
        r = -ENOMEM;
    if (r == 0)
        r = descriptor_watch_take(app->loop, fd, on_notice, app, &files->watch);
    if (r < 0) {
        free(files);
        return r;
    }
    files->fd = take_fd(fd);
    app->socket_files = files;
    return 0;
}

static int watch_folder(struct app *app, const char *path)
{
    _cleanup_free_ char *copy = strdup(path);

    if (!copy)
        return -ENOMEM;
    return inotify_add_watch(app->socket_files->fd, dirname(copy),
                             IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR) < 0
               ? error_from_errno()
               : 0;
}

void socket_files_keep(struct app *app, const struct listener *kept)
{
    struct listener *listener = &app->listeners.items[kept - app->listeners.items];
    int r;

    if (listener->address[0] != '/' || listener->kept)
        return;
    r = begin(app);
    if (r == 0)
        r = socket_file_keep(listener->address);
    if (r == 0)
        r = watch_folder(app, listener->address);
    listener->kept = true; /* also where it failed: said once */
    if (r < 0)
        app_say(app, LEVEL_WARNING,
                "%s can't be kept from programs that remove it at their end: %s",
                listener->address, strerror(-r));
}

void socket_files_keep_for(struct process *process)
{
    const struct listener *list[PROCESS_LISTENERS_MAX];
    size_t n = process_listeners(process, list);

    for (size_t i = 0; i < n; i++)
        socket_files_keep(process->app, list[i]);
}

void socket_files_release(struct app *app)
{
    if (!app->socket_files)
        return;
    descriptor_unwatch(app->socket_files->watch);
    free(app->socket_files);
    app->socket_files = NULL;
}
