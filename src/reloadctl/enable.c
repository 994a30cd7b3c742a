/* enable and disable: a configuration is put where the generator looks for it, and the app it
 * describes is made to run as it says; and the way back.
 *
 * Whoever calls enable for an app that runs wants its new configuration rolled out. Where that
 * fails the old one is put back, so that the file always describes what serves, also after the
 * next boot.
 */
#include "reloadctl/verbs.h"

#include "base/error.h"
#include "os/config_folder.h"
#include "os/directories.h"
#include "os/replace_file.h"
#include "os/text_file.h"
#include "os/vendor_unit.h"
#include "reloadctl/child.h"
#include "reloadctl/complain.h"
#include "wire/config.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    NAME_SIZE = 512,
    REASON_LINES = 20,
    CONFIG_MODE = 0644, /* at most: a file that others may not read stays so */
    NOT_LOADED = 5,     /* systemctl start: there is no such unit (systemctl(1)) */
};

struct enabling {
    const char *source;
    char name[APP_NAME_MAX + 1];
    bool of_user;
    char *target; /* /etc/reloadd/NAME.json */
    char *old;    /* what stood there; NULL: nothing */
    size_t old_size;
    mode_t old_mode;
    bool changed;
};

static void enabling_release(struct enabling *enabling)
{
    free(enabling->target);
    free(enabling->old);
}

static enum exit_code complain_memory(void)
{
    complain("out of memory");
    return EXIT_CODE_UNREACHABLE;
}

/* systemctl and journalctl, of the right manager. */

static int systemctl(bool of_user, const char *verb, const char *const *units)
{
    const char *words[8] = {"systemctl", of_user ? "--user" : "--system", verb};

    for (size_t i = 0; units && units[i]; i++) {
        assert(i + 4 < sizeof(words) / sizeof(words[0]));
        words[i + 3] = units[i];
    }
    return child_run(words);
}

/* All units of the app that are loaded; patterns, for it is no fault that one is not. */
struct unit_patterns {
    char service[APP_NAME_MAX + 32];
    char socket[APP_NAME_MAX + 32];
    char sockets[APP_NAME_MAX + 32];
    const char *list[4];
};

static void fill_patterns(const char *name, struct unit_patterns *patterns)
{
    (void)snprintf(patterns->service, sizeof(patterns->service), "%s[.]service", name);
    (void)snprintf(patterns->socket, sizeof(patterns->socket), "%s[.]socket", name);
    (void)snprintf(patterns->sockets, sizeof(patterns->sockets), "%s:*[.]socket", name);
    patterns->list[0] =
        patterns->socket; /* first, or a connection would start the service anew */
    patterns->list[1] = patterns->sockets;
    patterns->list[2] = patterns->service;
    patterns->list[3] = NULL;
}

static int systemctl_all(const struct enabling *enabling, const char *verb)
{
    struct unit_patterns patterns;

    fill_patterns(enabling->name, &patterns);
    return systemctl(enabling->of_user, verb, patterns.list);
}

static int systemctl_service(const struct enabling *enabling, const char *verb)
{
    char unit[NAME_SIZE];
    const char *const units[] = {unit, NULL};

    (void)snprintf(unit, sizeof(unit), "%s.service", enabling->name);
    return systemctl(enabling->of_user, verb, units);
}

/* What the units have written since then. */
static void show_reason(const struct enabling *enabling, struct timespec since)
{
    char unit[NAME_SIZE];
    char from[64];
    char lines[32];
    const char *const sync[] = {"journalctl", "--sync", NULL};
    const char *const words[] = {"journalctl", "--quiet", "--no-pager", "--output=cat",
                                 lines,        from,      unit,         NULL};

    (void)snprintf(unit, sizeof(unit), "--%sunit=%s.service", enabling->of_user ? "user-" : "",
                   enabling->name);
    (void)snprintf(from, sizeof(from), "--since=@%lld.%06ld", (long long)since.tv_sec,
                   since.tv_nsec / 1000);
    (void)snprintf(lines, sizeof(lines), "--lines=%d", REASON_LINES);
    /* What is on its way there; only root may have it written down. */
    if (!enabling->of_user)
        (void)child_run(sync);
    (void)child_run(words);
}

/* Before anything is changed. */

static enum exit_code check_systemd(void)
{
    if (access("/run/systemd/system", F_OK) == 0) /* sd_booted(3) */
        return EXIT_CODE_DONE;
    complain("no systemd runs here; `reloadctl run --config FILE` runs an app without it");
    return EXIT_CODE_UNREACHABLE;
}

static enum exit_code take_name(struct enabling *enabling, const char *name)
{
    size_t n = strlen(name);

    if (!app_name_is_valid(name) || name[n - 1] == '@') {
        complain(
            "\"%s\" can't be the name of an app: a letter or digit, then up to %d letters, "
            "digits, dots, dashes, underscores or @, and no @ at the end; give one by --name",
            name, APP_NAME_MAX - 1);
        return EXIT_CODE_USAGE;
    }
    (void)snprintf(enabling->name, sizeof(enabling->name), "%s", name);
    enabling->of_user = geteuid() != 0;
    return config_folder_file(enabling->of_user, name, &enabling->target) < 0
               ? complain_memory()
               : EXIT_CODE_DONE;
}

/* "dir/web.json" is web's. */
static enum exit_code take_name_of_file(struct enabling *enabling,
                                        const struct options *options)
{
    static const char ending[] = ".json";
    _cleanup_free_ char *copy = strdup(enabling->source);
    const char *file;
    char name[NAME_MAX + 1];
    size_t n;

    if (options->name)
        return take_name(enabling, options->name);
    if (!copy)
        return complain_memory();
    file = basename(copy);
    n = strlen(file);
    if (n > sizeof(ending) - 1 && strcmp(file + n - (sizeof(ending) - 1), ending) == 0)
        n -= sizeof(ending) - 1;
    (void)snprintf(name, sizeof(name), "%.*s", (int)n, file);
    return take_name(enabling, name);
}

static enum exit_code check_unit_names(const struct enabling *enabling)
{
    static const char *const kinds[] = {"service", "socket"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        _cleanup_free_ char *there = NULL;
        char unit[NAME_SIZE];
        int r;

        (void)snprintf(unit, sizeof(unit), "%s.%s", enabling->name, kinds[i]);
        r = vendor_unit_find(enabling->of_user, unit, &there);
        if (r < 0)
            return complain_memory();
        if (r == 0) {
            complain("%s is a unit of some package's: give the app another --name", there);
            return EXIT_CODE_REFUSED;
        }
    }
    return EXIT_CODE_DONE;
}

static int become_check(void *user)
{
    char *operands[] = {user, NULL};
    const struct options options = {.operands = operands, .operand_n = 1};

    return (int)verb_check(&options);
}

static enum exit_code check_file(const char *file, bool as_service)
{
    _cleanup_free_ char *path = strdup(file);
    int code = path ? child_call(become_check, path, as_service) : CHILD_LOST;

    return code == CHILD_LOST ? EXIT_CODE_UNREACHABLE : (enum exit_code)code;
}

/* Putting it there. */

static enum exit_code complain_of_file(const char *path, const char *what, int r)
{
    complain("%s %s: %s", path, what, strerror(-r));
    return r == -ENOMEM ? EXIT_CODE_UNREACHABLE : EXIT_CODE_REFUSED;
}

/* The folder of the configurations and those above it, which a user may not have yet. */
static int make_folders(const struct enabling *enabling)
{
    _cleanup_free_ char *path = strdup(enabling->target);

    if (!path)
        return -ENOMEM;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, enabling->of_user ? 0700 : 0755) < 0 && errno != EEXIST)
            return error_from_errno();
        *slash = '/';
    }
    return 0;
}

static enum exit_code put_back(struct enabling *enabling)
{
    int r = 0;

    if (!enabling->changed)
        return EXIT_CODE_DONE;
    if (enabling->old)
        r = replace_file(enabling->target, enabling->old_mode, enabling->old,
                         enabling->old_size);
    else
        r = remove_file(enabling->target);
    if (r < 0)
        return complain_of_file(enabling->target, "can't be put back as it was", r);
    enabling->changed = false;
    return EXIT_CODE_DONE;
}

static bool is_active(const struct enabling *enabling)
{
    char unit[NAME_SIZE];
    const char *const units[] = {"--quiet", unit, NULL};

    (void)snprintf(unit, sizeof(unit), "%s.service", enabling->name);
    return systemctl(enabling->of_user, "is-active", units) == 0;
}

/* Whether the listeners of both texts are the same. What can't be read has none. */
static bool same_listeners(const char *a, size_t a_size, const char *b, size_t b_size)
{
    struct config_errors errors = {0};
    struct spec specs[2] = {{0}};
    bool same = config_decode(a, a_size, 0, &specs[0], &errors) == 0 &&
                config_decode(b, b_size, 0, &specs[1], &errors) == 0 &&
                specs[0].listener_n == specs[1].listener_n;

    for (size_t i = 0; same && i < specs[0].listener_n; i++)
        same = strcmp(specs[0].listeners[i].address, specs[1].listeners[i].address) == 0;
    config_errors_release(&errors);
    spec_release(&specs[0]);
    spec_release(&specs[1]);
    return same;
}

static enum exit_code install_text(struct enabling *enabling, const char *text, size_t size,
                                   bool restart)
{
    struct stat status;
    struct stat old = {0};
    int r;

    if (stat(enabling->source, &status) < 0)
        return complain_of_file(enabling->source, "can't be read", error_from_errno());
    r = text_file_read_whole(AT_FDCWD, enabling->target, CONFIG_SIZE_MAX, &enabling->old,
                             &enabling->old_size);
    if (r < 0 && r != -ENOENT)
        return complain_of_file(enabling->target, "can't be read", r);
    if (r == 0 && enabling->old_size == size && memcmp(enabling->old, text, size) == 0)
        return EXIT_CODE_DONE;
    if (r == 0 && stat(enabling->target, &old) < 0)
        return complain_of_file(enabling->target, "can't be read", error_from_errno());
    enabling->old_mode = old.st_mode & 07777;
    if (r == 0 && !restart && is_active(enabling) &&
        !same_listeners(enabling->old, enabling->old_size, text, size)) {
        complain(
            "the listeners of %s change, and its sockets must be closed and opened for that: "
            "enable --restart does it, and refuses connections for a moment",
            enabling->name);
        return EXIT_CODE_REFUSED;
    }
    r = make_folders(enabling);
    if (r == 0)
        r = replace_file(enabling->target, status.st_mode & CONFIG_MODE, text, size);
    if (r < 0)
        return complain_of_file(enabling->target, "can't be written", r);
    enabling->changed = true;
    return EXIT_CODE_DONE;
}

/* What is right where it was written may not be so in its new place: relative paths count from
 * there, and a service has another PATH. */
static enum exit_code install(struct enabling *enabling, bool restart)
{
    _cleanup_free_ char *text = NULL;
    enum exit_code code;
    size_t size;
    int r = text_file_read_whole(AT_FDCWD, enabling->source, CONFIG_SIZE_MAX, &text, &size);

    if (r < 0)
        return complain_of_file(enabling->source, "can't be read", r);
    code = install_text(enabling, text, size, restart);
    if (code != EXIT_CODE_DONE)
        return code;
    code = check_file(enabling->target, true);
    if (code == EXIT_CODE_DONE)
        return code;
    complain("%s is right where it is, but not as %s, where relative paths count from that "
             "folder, and with a service's PATH: write its paths as absolute ones",
             enabling->source, enabling->target);
    (void)put_back(enabling);
    return code;
}

/* Making it run. */

static enum exit_code reload_manager(const struct enabling *enabling)
{
    return systemctl(enabling->of_user, "daemon-reload", NULL) == 0 ? EXIT_CODE_DONE
                                                                    : EXIT_CODE_FAILED;
}

/* The generator told nothing that we could see: it was not run, or not for this folder. */
static void complain_no_unit(const struct enabling *enabling)
{
    if (enabling->of_user)
        complain("systemd made no unit of %s: its XDG_CONFIG_HOME may be another "
                 "(systemctl --user show-environment), or reloadd-generator is not in a "
                 "folder of user generators (systemd.generator(7))",
                 enabling->target);
    else
        complain("systemd made no unit of %s: reloadd-generator is not in a folder of system "
                 "generators (systemd.generator(7)), or said in `journalctl -k` why",
                 enabling->target);
}

static enum exit_code start(const struct enabling *enabling)
{
    struct timespec since;
    int r;

    (void)clock_gettime(CLOCK_REALTIME, &since);
    r = systemctl_service(enabling, "start");
    if (r == 0)
        return EXIT_CODE_DONE;
    if (r == NOT_LOADED) {
        complain_no_unit(enabling);
        return EXIT_CODE_FAILED;
    }
    show_reason(enabling, since);
    complain("%s is enabled, but did not start: see above; mend %s and enable it again, or "
             "`reloadctl disable %s`",
             enabling->name, enabling->source, enabling->name);
    return EXIT_CODE_FAILED;
}

static enum exit_code roll_out(struct enabling *enabling)
{
    const char *const words[] = {"/proc/self/exe", "reload", enabling->name, NULL};
    int code = child_run(words);

    if (code == 0)
        return EXIT_CODE_DONE;
    if (enabling->changed && put_back(enabling) == EXIT_CODE_DONE) {
        (void)reload_manager(enabling);
        complain("%s is as it was before", enabling->target);
    }
    return code == CHILD_LOST ? EXIT_CODE_UNREACHABLE : (enum exit_code)code;
}

static enum exit_code make_run(struct enabling *enabling, bool restart)
{
    enum exit_code code;

    if (restart && systemctl_all(enabling, "stop") != 0)
        return EXIT_CODE_FAILED;
    code = reload_manager(enabling);
    if (code != EXIT_CODE_DONE)
        return code;
    return is_active(enabling) ? roll_out(enabling) : start(enabling);
}

enum exit_code verb_enable(const struct options *options)
{
    _cleanup_(enabling_release) struct enabling enabling = {.source = options->operands[0]};
    enum exit_code code = take_name_of_file(&enabling, options);

    if (code == EXIT_CODE_DONE)
        code = check_systemd();
    if (code == EXIT_CODE_DONE)
        code = check_unit_names(&enabling);
    if (code == EXIT_CODE_DONE)
        code = check_file(enabling.source, false);
    if (code == EXIT_CODE_DONE)
        code = install(&enabling, options->restart);
    if (code == EXIT_CODE_DONE)
        code = make_run(&enabling, options->restart);
    if (code == EXIT_CODE_DONE)
        (void)printf("%s runs as %s says, and is started at each boot\n", enabling.name,
                     enabling.target);
    return code;
}

enum exit_code verb_disable(const struct options *options)
{
    _cleanup_(enabling_release) struct enabling enabling = {0};
    enum exit_code code = take_name(&enabling, options->operands[0]);
    int r;

    if (code == EXIT_CODE_DONE)
        code = check_systemd();
    if (code != EXIT_CODE_DONE)
        return code;
    if (access(enabling.target, F_OK) < 0) {
        complain("%s is not enabled: there is no %s", enabling.name, enabling.target);
        return EXIT_CODE_UNREACHABLE;
    }
    if (systemctl_all(&enabling, "stop") != 0) {
        complain("%s can't be stopped, and stays enabled", enabling.name);
        return EXIT_CODE_FAILED;
    }
    r = remove_file(enabling.target);
    if (r < 0)
        return complain_of_file(enabling.target, "can't be removed", r);
    (void)systemctl_all(&enabling, "reset-failed");
    code = reload_manager(&enabling);
    if (code == EXIT_CODE_DONE)
        (void)printf("%s is stopped, and %s removed; its history is kept\n", enabling.name,
                     enabling.target);
    return code;
}
