#include "generator/generate.h"

#include "base/error.h"
#include "base/log.h"
#include "generator/output.h"
#include "generator/service.h"
#include "generator/source.h"
#include "os/directories.h"
#include "os/vendor_unit.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char ending[] = ".json";

struct generation {
    const struct generate_request *request;
    struct unit_origin origin;
    struct spec spec;
    struct socket_plan sockets;
};

static void generation_release(struct generation *generation)
{
    socket_plan_release(&generation->sockets);
    spec_release(&generation->spec);
}

static int tell_errors(const char *path, const struct config_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++) {
        _cleanup_free_ char *line = NULL;
        int r = config_error_format(&errors->list[i], path, &line);

        if (r < 0)
            return r;
        log_error("%s", line);
    }
    return 0;
}

/* Whether a package has a unit of the app's name. Returns 0; 1 where it does, which was told;
 * -ENOMEM. */
static int check_name(const struct generation *generation)
{
    static const char *const kinds[] = {"service", "socket"};
    const struct unit_origin *origin = &generation->origin;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        _cleanup_free_ char *there = NULL;
        char unit[NAME_MAX + sizeof(".service")];
        int r;

        (void)snprintf(unit, sizeof(unit), "%s.%s", origin->app, kinds[i]);
        r = vendor_unit_find(generation->request->of_user, unit, &there);
        if (r < 0)
            return r;
        if (r == 0) {
            log_error("%s: no units were made of it, for they would take the place of %s: give "
                      "the file another name",
                      origin->source, there);
            return 1;
        }
    }
    return 0;
}

/* Reads the file. Returns 0; 1 where no units are to be made of it, which was told; -errno. A
 * file with errors has units. */
static int read_source(struct generation *generation)
{
    _cleanup_(config_errors_release) struct config_errors errors = {0};
    const struct unit_origin *origin = &generation->origin;
    enum source_kind kind = SOURCE_CONFIG;
    int r = source_read(origin->app, origin->source, &generation->spec, &kind, &errors);

    if (r == 1)
        log_error("%s: passed over, for it is not a regular file", origin->source);
    if (r != 0)
        return r;
    r = tell_errors(origin->source, &errors);
    if (r == 0 && kind == SOURCE_ACCEPTED)
        log_warning("%s: as long as it has errors, the units of %s are those of what was "
                    "accepted last",
                    origin->source, origin->app);
    if (r == 0 && kind == SOURCE_NOTHING)
        log_warning("%s: as long as it has errors, %s.service will not start", origin->source,
                    origin->app);
    return r;
}

static int plan_sockets(struct generation *generation)
{
    const struct unit_origin *origin = &generation->origin;
    const char *unfit = NULL;
    int r = socket_plan_make(origin->app, &generation->spec, &generation->sockets, &unfit);

    if (r == 1)
        log_error(
            "%s: it has no socket unit, for systemd can't write \"%s\" in one: the primary "
            "opens the listeners itself, and they are closed when it is stopped",
            origin->source, unfit);
    return r < 0 ? r : 0;
}

/* Puts one unit into the folder, wanted by the target. Returns 0; 1 where it can't be, which
 * was told; -errno. */
static int put(const struct generation *generation, const char *name, const char *target,
               const struct text *text)
{
    const char *folder = generation->request->output;
    int r = output_unit(folder, name, text);

    if (r == 1)
        log_error("%s: another generator has made %s/%s: give the file another name",
                  generation->origin.source, folder, name);
    return r == 0 ? output_want(folder, target, name) : r;
}

static int put_sockets(const struct generation *generation)
{
    for (size_t i = 0; i < generation->sockets.n; i++) {
        const struct socket_unit *unit = &generation->sockets.units[i];
        _cleanup_text_ struct text text = {0};
        int r = socket_unit_write(&text, &generation->origin, &generation->spec, unit);

        if (r == 0)
            r = put(generation, unit->name, "sockets.target", &text);
        if (r != 0)
            return r;
    }
    return 0;
}

static int put_service(const struct generation *generation)
{
    const struct generate_request *request = generation->request;
    const struct service_request service = {
        .origin = generation->origin,
        .programs = request->programs,
        .spec = &generation->spec,
        .sockets = &generation->sockets,
        .systemd_version = request->systemd_version,
        .of_user = request->of_user,
    };
    _cleanup_text_ struct text text = {0};
    char name[NAME_MAX + sizeof(".service")];
    int r = service_write(&text, &service);

    (void)snprintf(name, sizeof(name), "%s.service", generation->origin.app);
    return r == 0 ? put(generation, name,
                        request->of_user ? "default.target" : "multi-user.target", &text)
                  : r;
}

/* Returns 0; 1 where a fault was told; -errno. */
static int generate_app(const struct generate_request *request, const char *app,
                        const char *path)
{
    _cleanup_(generation_release) struct generation generation = {
        .request = request,
        .origin = {.app = app, .source = path},
    };
    int r = check_name(&generation);

    if (r == 0)
        r = read_source(&generation);
    if (r == 0)
        r = plan_sockets(&generation);
    if (r == 0)
        r = put_sockets(&generation);
    if (r == 0)
        r = put_service(&generation);
    return r;
}

/* Whether it is an app's configuration by its name: no hidden file, no backup of an editor. */
static int is_config(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n >= sizeof(ending) && entry->d_name[0] != '.' &&
           strcmp(entry->d_name + n - (sizeof(ending) - 1), ending) == 0;
}

/* Returns 0; 1 where a fault was told; -errno. */
static int generate_file(const struct generate_request *request, const char *file)
{
    char app[NAME_MAX + 1];
    char path[PATH_MAX];
    int n = (int)strlen(file) - (int)(sizeof(ending) - 1);

    (void)snprintf(app, sizeof(app), "%.*s", n, file);
    if (snprintf(path, sizeof(path), "%s/%s", request->configs, file) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    /* systemd takes a name with "@" at its end for a template. */
    if (app_name_is_valid(app) && app[n - 1] != '@')
        return generate_app(request, app, path);
    log_error(
        "%s: passed over, for \"%s\" is no name for an app: expected a letter or digit, then "
        "up to %d letters, digits, dots, dashes, underscores or @, and no @ at the end",
        path, app, APP_NAME_MAX - 1);
    return 1;
}

/* Whether it is an app whose workers outlive their primary, which runs: systemd would close
 * what it keeps for it, and forget how to stop it, at the moment when its units were gone. */
static bool runs_as_service(const char *app)
{
    _cleanup_(directories_release) struct directories directories = {0};
    _cleanup_free_ char *mark = NULL;

    if (directories_find(geteuid(), app, &directories) < 0)
        return false;
    mark = directories_path(directories.runtime, DIRECTORIES_SERVICE_MARK);
    return mark && access(mark, F_OK) == 0;
}

/* The units of an app that runs, and whose file somebody has removed: they stay until it is
 * stopped. Returns 0; 1 where a fault was told; -errno. */
static int generate_gone(const struct generate_request *request, const char *app)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s%s", request->configs, app, ending) >=
        (int)sizeof(path))
        return -ENAMETOOLONG;
    if (access(path, F_OK) == 0 || errno != ENOENT || !runs_as_service(app))
        return 0;
    return generate_app(request, app, path);
}

static int generate_all_gone(const struct generate_request *request)
{
    char **names = NULL;
    int r = directories_list(geteuid(), &names);
    int total = 0;

    for (size_t i = 0; r == 0 && names[i] && total >= 0; i++)
        total = generate_gone(request, names[i]);
    directories_free_names(names);
    return r < 0 ? r : total;
}

static void free_list(struct dirent **list, int n)
{
    for (int i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

int generate(const struct generate_request *request)
{
    struct dirent **list = NULL;
    int n = scandir(request->configs, &list, is_config, alphasort);
    int total = 0;

    if (n < 0 && errno == ENOENT)
        return generate_all_gone(request);
    if (n < 0) {
        int r = error_from_errno();

        log_error("%s: can't be read: %s", request->configs, strerror(-r));
        return r;
    }
    for (int i = 0; i < n; i++) {
        int r = generate_file(request, list[i]->d_name);

        if (r < 0)
            log_error("%s/%s: no units were made of it: %s", request->configs, list[i]->d_name,
                      strerror(-r));
        total |= r != 0;
    }
    free_list(list, n);
    return generate_all_gone(request) != 0 || total;
}
