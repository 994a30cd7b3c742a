#include "reloadd/primary.h"

#include "base/error.h"
#include "base/log.h"
#include "os/cgroup.h"
#include "os/guard.h"
#include "os/lock.h"
#include "os/notify_socket.h"
#include "reloadd/app.h"
#include "reloadd/blocking.h"
#include "reloadd/clock.h"
#include "reloadd/einhorn.h"
#include "reloadd/lanes.h"
#include "reloadd/notices.h"
#include "reloadd/place.h"
#include "reloadd/process.h"
#include "reloadd/recover.h"
#include "reloadd/reload.h"
#include "reloadd/server.h"
#include "reloadd/socket_files.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum {
    PREDECESSOR_PAUSE_MS = 20,
    PREDECESSOR_TRIES = 100,
    LOCK_PAUSE_MS = 2,
    LOCK_TRIES = 500,
};

/* Making. */

__attribute__((format(printf, 1, 3))) static int fail(const char *format, int r, ...)
{
    va_list arguments;
    char text[512];

    va_start(arguments, r);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_error("%s: %s", text, strerror(-r));
    return EXIT_AGAIN;
}

static int name_app(struct app *app)
{
    const struct options *options = app->options;
    const char *source = options->name     ? options->name
                         : options->config ? options->config
                                           : options->command[0];
    _cleanup_free_ char *copy = strdup(source);
    char *dot;

    if (!copy)
        return fail("%s", -ENOMEM, source);
    app->name = strdup(options->name ? copy : basename(copy));
    if (!app->name)
        return fail("%s", -ENOMEM, source);
    dot = strrchr(app->name, '.');
    if (!options->name && dot && dot != app->name)
        *dot = '\0';
    if (app_name_is_valid(app->name))
        return 0;
    log_error(
        "\"%s\" is no name for an app: expected a letter or digit, then up to 63 letters, "
        "digits, dots, dashes, underscores or @; give one by --name",
        app->name);
    return EXIT_USAGE;
}

static int make_directory(const char *parent, const char *name)
{
    _cleanup_free_ char *path = directories_path(parent, name);

    if (!path)
        return -ENOMEM;
    return mkdir(path, 0711) < 0 && errno != EEXIST ? error_from_errno() : 0;
}

/* A child that was forked and has not come to its exec holds the lock with its parent, and for
 * a moment after that was killed, or executed the program that we are (upgrade). */
static bool is_of_a_child(pid_t holder)
{
    return holder == getpid() || (holder > 0 && kill(holder, 0) < 0 && errno == ESRCH);
}

static int take_lock_after_children(const char *path, int *ret_fd, pid_t *ret_holder)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
    int r = lock_take(path, ret_fd, ret_holder);

    for (int try = 0; r == 1 && is_of_a_child(*ret_holder) && try < LOCK_TRIES; try++) {
        (void)nanosleep(&pause, NULL);
        r = lock_take(path, ret_fd, ret_holder);
    }
    return r;
}

static int take_lock(struct app *app)
{
    _cleanup_free_ char *path = directories_path(app->directories.state, "lock");
    pid_t holder = 0;
    int r = path ? take_lock_after_children(path, &app->lock_fd, &holder) : -ENOMEM;

    if (r < 0)
        return fail("%s can't be locked", r, path ? path : "the state");
    if (r == 1) {
        log_error("the app \"%s\" has a primary already (pid %d): stop it first, or give this "
                  "one another --name",
                  app->name, holder);
        /* A primary that ends, or a child that hangs before its exec. */
        return app->options->adopt ? EXIT_AGAIN : EXIT_REFUSED;
    }
    return 0;
}

static int settle_in(struct app *app)
{
    int r = directories_find(geteuid(), app->name, &app->directories);

    if (r == 0)
        r = directories_create(&app->directories);
    if (r == 0)
        r = make_directory(app->directories.runtime, "notify");
    if (r < 0)
        return fail("the directories of \"%s\" can't be made", r, app->name);
    return take_lock(app);
}

/* The notify sockets of a primary that was killed: the lock says that it is gone. */
static int clean_up_after_predecessor(struct app *app)
{
    _cleanup_free_ char *folder = directories_path(app->directories.runtime, "notify");
    int r = folder ? notify_socket_sweep(folder) : -ENOMEM;

    return r < 0 ? fail("%s/notify can't be emptied", r, app->directories.runtime) : 0;
}

/* reloadd-exec: beside this program in a build tree, in ../libexec/reloadd where it is
 * installed.
 */
static int find_loader(struct app *app)
{
    static const char *const places[] = {"reloadd-exec", "../libexec/reloadd/reloadd-exec"};
    char self[4096] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    const char *folder;

    app->self = strdup(self);
    if (n < 0 || !app->self)
        return fail("/proc/self/exe", n < 0 ? error_from_errno() : -ENOMEM);
    folder = dirname(self);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char *path = directories_path(folder, places[i]);

        if (path && access(path, X_OK) == 0) {
            app->loader = path;
            return 0;
        }
        free(path);
    }
    return fail("reloadd-exec is neither in %s nor in %s/../libexec/reloadd", -ENOENT, folder,
                folder);
}

static int print_config_errors(const struct app *app, const struct config_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++) {
        _cleanup_free_ char *line = NULL;

        if (config_error_format(&errors->list[i], app->options->config, &line) == 0)
            log_error("%s", line);
    }
    return EXIT_REFUSED;
}

static int load_first(struct app *app, struct spec *spec)
{
    _cleanup_(config_errors_release) struct config_errors errors = {0};
    int r = reload_read(app, app->options->release, spec, &errors);

    if (r < 0)
        return fail("the configuration", r);
    return r == 0 ? 0 : print_config_errors(app, &errors);
}

/* A control socket that nobody has removed: the last primary was killed. */
static bool predecessor_was_killed(const struct app *app)
{
    _cleanup_free_ char *path = directories_path(app->directories.runtime, "control");

    return path && access(path, F_OK) == 0;
}

/* The workers of a primary that was killed a moment ago are being ended by the kernel, and hold
 * its addresses until they are gone: the one case where a second try helps. */
static int open_after_predecessor(struct app *app, const struct spec *spec,
                                  char error[static LISTENERS_ERROR_SIZE])
{
    const struct timespec pause = {.tv_nsec = PREDECESSOR_PAUSE_MS * 1000000L};
    bool waits = app->listeners.inherited_n == 0 && predecessor_was_killed(app);
    int r = listeners_open(&app->listeners, spec, error);

    for (int try = 0; r == 1 && waits && try < PREDECESSOR_TRIES; try++) {
        (void)nanosleep(&pause, NULL);
        r = listeners_open(&app->listeners, spec, error);
    }
    return r;
}

static int open_listeners(struct app *app, struct spec *spec)
{
    char error[LISTENERS_ERROR_SIZE];
    int r = listeners_inherit(&app->listeners, &app->store, error);

    blocking_begin(app);
    if (r == 0)
        r = listeners_complete(&app->listeners, spec, error);
    if (r == 0 && listeners_warn(spec, error))
        app_say(app, LEVEL_WARNING, "%s", error);
    if (r == 0)
        r = open_after_predecessor(app, spec, error);
    if (r == 0)
        r = recover_discovered(app);
    if (r == 0)
        r = lanes_recover(app);
    if (r < 0)
        return fail("the listeners", r);
    if (r == 1)
        log_error("%s", error);
    return r == 0 ? 0 : EXIT_FAILED;
}

static int make_loop(struct app *app)
{
    int r = loop_new(&app->loop);

    if (r == 0)
        r = notices_watch(app);
    return r < 0 ? fail("the event loop", r) : 0;
}

static int make_server(struct app *app)
{
    _cleanup_free_ char *path = directories_path(app->directories.runtime, "control");
    struct unix_socket_options options = {
        .path = path,
        .type = SOCK_STREAM,
        .mode = 0600,
        .uid = (uid_t)-1,
        .gid = (gid_t)-1,
    };
    int fd = -1;
    int r = path ? unix_socket_listen(&options, 0, &fd) : -ENOMEM;

    if (r == 0)
        r = server_new_take(app, fd, &app->server);
    if (r < 0) {
        (void)close_fd(fd);
        return fail("the control socket %s can't be opened", r, path ? path : "");
    }
    r = einhorn_new(app, &app->einhorn);
    return r < 0 ? fail("the socket for einhorn's clients", r) : 0;
}

static void tell_recovery(struct app *app)
{
    const struct recovery *recovery = &app->recovery;

    if (recovery->torn_bytes > 0)
        app_say(app, LEVEL_WARNING,
                "the last line of the state journal was half written: %llu bytes cut",
                (unsigned long long)recovery->torn_bytes);
    if (recovery->aside[0] != '\0')
        app_say(
            app, LEVEL_ERROR,
            "the state journal was damaged at %s; it was set aside as %s/%s, and what stood "
            "before the damage is kept",
            recovery->damage, app->directories.state, recovery->aside);
}

static int open_journal(struct app *app)
{
    _cleanup_free_ char *path = directories_path(app->directories.state, "journal.jsonl");
    int r = path ? state_journal_open(path, app->name, app->rollout, &app->revisions,
                                      &app->journal, &app->recovery)
                 : -ENOMEM;

    if (r == 1) {
        log_error("%s can't be used: %s", path, app->recovery.damage);
        /* Whoever serves goes on, until a reloadd that can read it is there again. */
        return fd_store_has_workers(&app->store) ? EXIT_AGAIN : EXIT_REFUSED;
    }
    if (r < 0)
        return fail("the state journal %s can't be opened", r, path ? path : "");
    tell_recovery(app);
    return 0;
}

static void on_output(void *user, const struct output_line *line)
{
    const struct app *app = user;

    server_line(app->server, line);
}

static int app_make(struct app *app)
{
    bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");

    app->rollout = calloc(1, sizeof(*app->rollout));
    app->update = calloc(1, sizeof(*app->update));
    if (!app->rollout || !app->update || output_new(colour, on_output, app, &app->output) < 0)
        return fail("reloadd", -ENOMEM);
    app->started = clock_wall();
    return 0;
}

/* Beginning. */

/* Whether the spec is what the stable revision runs: then a restart goes on with its number. A
 * restart says no release of its own, and takes the stable one's. */
static bool is_stable_spec(const struct app *app, struct spec *spec)
{
    const struct revision_entry *stable = revisions_find(&app->revisions, app->rollout->stable);
    _cleanup_free_ char *text = NULL;
    char *release = spec->release;
    bool same;

    if (!stable || !stable->pinned)
        return false;
    if (!release)
        spec->release = stable->spec.release;
    same = spec_encode(spec, &text) == 0 && strcmp(text, stable->spec_text) == 0;
    spec->release = release;
    return same;
}

/* What an earlier primary has accepted and not begun, nobody will begin any more. What it had
 * begun, EVENT_BOOT ends. */
static void end_unbegun(struct app *app)
{
    for (size_t i = 0; i < app->revisions.n; i++) {
        struct history_entry *entry = &app->revisions.items[i].history;

        if (entry->outcome == OUTCOME_NONE)
            revisions_end(&app->revisions, entry->revision, clock_wall(), OUTCOME_FAILED,
                          &(struct reason){.cause = CAUSE_PRIMARY});
    }
}

/* Whether a rollout that fails could go back. The socket units may be others than they were
 * when the stable revision was accepted. */
static bool stable_can_listen(struct app *app)
{
    const struct revision_entry *stable = revisions_find(&app->revisions, app->rollout->stable);
    char error[LISTENERS_ERROR_SIZE] = "its configuration is not known any more";

    if (app->rollout->stable == 0)
        return true;
    if (stable && stable->pinned && listeners_open(&app->listeners, &stable->spec, error) == 0)
        return true;
    app_say(app, LEVEL_WARNING, "there is no way back to revision %llu: %s",
            (unsigned long long)app->rollout->stable, error);
    return false;
}

static int begin(struct app *app, struct spec *spec)
{
    struct event boot = {.kind = EVENT_BOOT};
    _cleanup_free_ char *text = NULL;
    uint64_t revision = app->rollout->last_revision + 1;
    int r = 0;

    if (state_journal_trouble(app->journal))
        r = app_compact(app);
    end_unbegun(app);
    if (r == 0 && !is_stable_spec(app, spec)) {
        r = spec_encode(spec, &text);
        if (r == 0)
            r = revisions_pin_take(&app->revisions, revision, clock_wall(), spec, &text);
        if (r == 0)
            app_post(app, &(struct event){.kind = EVENT_ACCEPT,
                                          .revision = revision,
                                          .policy = &app_spec(app, revision)->policy});
        boot.revision = revision;
    }
    if (r < 0)
        return fail("the first revision", r);
    boot.without_stable = boot.revision != 0 && !stable_can_listen(app);
    app_post(app, &boot);
    app_pump(app);
    return 0;
}

/* In the foreground, nobody would ever find the workers of a primary that was killed. */
static void start_guard(struct app *app)
{
    int r;

    if (app->options->mode != OPTIONS_FOREGROUND || getpid() == 1)
        return;
    r = guard_start(app->cgroup, &app->guard_fd, &app->guard);
    if (r < 0)
        app_say(app, LEVEL_WARNING,
                "no guard (%s): descendants of workers may outlive a primary that is killed",
                strerror(-r));
}

static void greet(struct app *app)
{
    for (size_t i = 0; i < app->listeners.n; i++)
        app_say(app, LEVEL_NOTICE, "app %s (pid %d) listens on %s%s", app->name, getpid(),
                app->listeners.items[i].bound,
                app->listeners.items[i].inherited ? ", handed over by the service manager"
                                                  : "");
    for (size_t i = 0; i < app->listeners.n; i++)
        if (app->listeners.items[i].differs)
            app_say(app, LEVEL_WARNING, "%s: %s", app->listeners.items[i].bound,
                    app->listeners.items[i].differs);
}

/* For the generator: the units of this app are needed as long as it runs. */
static void mark_as_service(const struct app *app)
{
    _cleanup_free_ char *path =
        directories_path(app->directories.runtime, DIRECTORIES_SERVICE_MARK);
    _cleanup_fd_ int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;

    if (fd < 0)
        log_warning("%s/" DIRECTORIES_SERVICE_MARK " can't be made", app->directories.runtime);
}

/* Whether workers outlive this primary, and if not, why. */
static void find_survival(struct app *app)
{
    if (app->options->mode == OPTIONS_FOREGROUND)
        app->survives_not = "in the foreground, workers end with the primary";
    else if (!app->options->adopt)
        app->survives_not = "not started with --adopt: workers end with the primary";
    else if (!getenv("NOTIFY_SOCKET"))
        app->survives_not = "no NOTIFY_SOCKET: nobody keeps descriptors for the next primary";
    else if (!getenv("INVOCATION_ID")) /* systemd.exec(5); podman, for one, sets the other */
        app->survives_not =
            "no INVOCATION_ID: the service manager is not systemd, and keeps no "
            "descriptors for the next primary";
    else if (!app->cgroup)
        app->survives_not = "no cgroup that can be written: workers could not be found again";
    else
        app->survives = true;
    app->store.keeps = app->survives;
    if (app->survives)
        mark_as_service(app);
    if (app->options->adopt && app->survives_not)
        app_say(app, LEVEL_WARNING, "workers will end with this primary: %s",
                app->survives_not);
}

static int settle_with_journal(struct app *app)
{
    int code = settle_in(app);
    int r;

    if (code == 0)
        code = find_loader(app);
    if (code != 0)
        return code;
    r = fd_store_receive(&app->store);
    if (r < 0)
        return fail("what the service manager handed over", r);
    blocking_restore(app);
    code = make_loop(app);
    if (code == 0)
        code = open_journal(app);
    return code;
}

/* The first primary, or one after which nothing was left. */
static int start_afresh(struct app *app, struct spec *spec)
{
    int code = 0;

    (void)place_sweep(app);
    if (app->options->adopt)
        code = load_first(app, spec);
    if (code == 0)
        code = clean_up_after_predecessor(app);
    if (code == 0)
        code = open_listeners(app, spec);
    fd_store_release(&app->store);
    if (code == 0)
        code = make_server(app);
    if (code != 0)
        return code;
    start_guard(app);
    greet(app);
    return begin(app, spec);
}

static int start_again(struct app *app)
{
    int code;
    int r;

    r = recover_listeners(app);
    if (r < 0)
        return fail("the lanes of the earlier primary can't be taken over", r);
    code = make_server(app);
    if (code != 0)
        return code;
    r = recover_begin(app);
    return r < 0 ? fail("the workers of the earlier primary can't be adopted", r) : 0;
}

static int app_start(struct app *app, struct spec *spec)
{
    int code = name_app(app);
    int r;

    if (code == 0)
        code = app_make(app);
    /* What is wrong with it leaves no trace, where nobody can be left from before. */
    if (code == 0 && !app->options->adopt)
        code = load_first(app, spec);
    if (code == 0)
        code = settle_with_journal(app);
    if (code != 0)
        return code;
    r = place_find(app);
    if (r < 0)
        return fail("the cgroup", r);
    find_survival(app);
    courtesy_begin(app);
    if (recover_is_hindered(app)) {
        log_error("workers of an earlier primary live, and can't be adopted: %s; trying again",
                  app->survives_not);
        return EXIT_AGAIN;
    }
    return recover_is_due(app) ? start_again(app) : start_afresh(app, spec);
}

/* Everything that outlives this process goes with it; or, where the next primary is to find it,
 * stays. */
static void release_what_lasts(struct app *app, bool leaves)
{
    if (leaves) {
        fd_store_leave(&app->store);
        listeners_leave(&app->listeners);
    } else {
        fd_store_release(&app->store);
        listeners_release(&app->listeners);
    }
}

static void app_release_all(struct app *app, bool leaves)
{
    reload_release_all(app);
    einhorn_free(app->einhorn);
    socket_files_release(app);
    server_free(app->server);
    app->server = NULL;
    process_release_all(app);
    courtesy_release(app);
    notices_forget(app);
    loop_free(app->loop);
    limits_release(app);
    release_what_lasts(app, leaves);
    state_journal_free(app->journal);
    revisions_release(&app->revisions);
    output_free(app->output);
    if (app->cgroup && !app->options->adopt)
        (void)cgroup_remove(app->cgroup);
    app_forget_words(app);
    free(app->answers.items);
    free(app->events.items);
    free(app->rollout);
    free(app->update);
    free(app->last_refusal);
    free(app->cgroup);
    free(app->loader);
    free(app->self);
    free(app->name);
}

/* The control socket goes with the primary; the directory stays, others may be in it. */
static void remove_socket(const struct app *app, const char *name)
{
    _cleanup_free_ char *path =
        app->directories.runtime ? directories_path(app->directories.runtime, name) : NULL;

    if (path && app->lock_fd >= 0)
        (void)unlink(path);
}

/* Our own trouble, such as too few descriptors. A service manager that starts us again at once
 * is not to be kept busy by it; nobody else is there to try again. */
static int give_up(const struct options *options)
{
    const struct timespec pause = {.tv_sec = 1};

    if (!options->adopt)
        return EXIT_FAILED;
    (void)nanosleep(&pause, NULL);
    return EXIT_AGAIN;
}

int primary_run(const struct options *options)
{
    struct app app = {.options = options, .lock_fd = -1, .guard_fd = -1};
    struct spec spec = {0};
    int code = app_start(&app, &spec);

    if (code == 0) {
        /* Only EFFECT_EXIT ends it. */
        (void)loop_run(app.loop);
        code = app.exit_code;
    }
    spec_release(&spec);
    if (code != EXIT_AGAIN) {
        remove_socket(&app, "control");
        remove_socket(&app, "einhorn");
    }
    app_release_all(&app, code == EXIT_AGAIN && options->adopt);
    app.guard_fd = close_fd(app.guard_fd);
    if (app.guard > 0)
        (void)waitpid(app.guard, NULL, 0);
    directories_release(&app.directories);
    (void)close_fd(app.lock_fd);
    return code == EXIT_AGAIN ? give_up(options) : code;
}
