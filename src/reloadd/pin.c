#include "reloadd/pin.h"

#include "base/error.h"
#include "base/text.h"
#include "os/processors.h"
#include "os/text_file.h"
#include "reloadd/account.h"
#include "reloadd/executable.h"
#include "reloadd/pin_environment.h"
#include "wire/config.h"
#include "wire/environment.h"
#include "wire/strings.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Adds "expected EXPECTED, found NAME: DETAIL". Returns 1 or -ENOMEM. */
static int complain(const struct pin_request *request, const char *place, const char *expected,
                    const char *name, const char *detail)
{
    _cleanup_text_ struct text visible = {0};
    int r = text_append_visible(&visible, name, strlen(name));

    if (r == 0)
        r = config_errors_add(request->errors, *place == '$' ? request->text : NULL,
                              request->size, place, "expected %s, found \"%s\": %s", expected,
                              text_string(&visible), detail);
    return r < 0 ? r : 1;
}

/* A path of the file, from the file's folder where it is relative; *ret_path is the caller's.
 */
static int resolve(const struct pin_request *request, const char *path, char **ret_path)
{
    if (*path == '/')
        *ret_path = strdup(path);
    else if (asprintf(ret_path, "%s/%s", request->file_directory, path) < 0)
        *ret_path = NULL;
    return *ret_path == NULL ? -ENOMEM : 0;
}

static int pin_directory(const struct pin_request *request, struct spec *spec)
{
    const char *written = spec->working_directory != NULL ? spec->working_directory : ".";
    _cleanup_free_ char *path = NULL;
    _cleanup_free_ char *real = NULL;
    struct stat status;
    int r;

    /* What was not written is the primary's own folder, not the file's. */
    if (spec->working_directory != NULL)
        r = resolve(request, written, &path);
    else
        r = (path = strdup(written)) != NULL ? 0 : -ENOMEM;
    if (r < 0)
        return r;
    real = realpath(path, NULL);
    if (real == NULL || stat(real, &status) < 0)
        r = error_from_errno();
    else if (!S_ISDIR(status.st_mode))
        r = -ENOTDIR;
    else if (faccessat(AT_FDCWD, real, X_OK, AT_EACCESS) < 0)
        r = error_from_errno();
    if (r == 0)
        spec->pinned_directory = take_ptr(real);
    if (r == 0 || r == -ENOMEM)
        return r;
    return complain(request, "$.working_directory", "a folder that can be entered", written,
                    strerror(-r));
}

static int check_account(const struct pin_request *request, const char *user, const char *group,
                         const char *place)
{
    uid_t uid;
    gid_t gid;
    int r;

    if (user == NULL && group == NULL)
        return 0;
    r = account_find(user, group, &uid, &gid);
    if (r == 0 || r == -ENOMEM)
        return r;
    return complain(request, place,
                    user != NULL ? "a user of this machine" : "a group of this machine",
                    user != NULL ? user : group,
                    r == -ENOENT ? "there is none of that name" : strerror(-r));
}

static int check_accounts(const struct pin_request *request, const struct spec *spec)
{
    char place[64];
    int total = check_account(request, spec->user, NULL, "$.user");
    int r = total < 0 ? 0 : check_account(request, NULL, spec->group, "$.group");

    for (size_t i = 0; total >= 0 && r >= 0 && i < spec->listener_n; i++) {
        const struct listener_spec *listener = &spec->listeners[i];

        total |= r;
        (void)snprintf(place, sizeof(place), "$.listen[%zu].owner", i);
        r = check_account(request, listener->owner, NULL, place);
        if (r < 0)
            return r;
        total |= r;
        (void)snprintf(place, sizeof(place), "$.listen[%zu].group", i);
        r = check_account(request, NULL, listener->group, place);
    }
    return total < 0 ? total : r < 0 ? r : total | r;
}

struct file_complaint {
    const struct pin_request *request;
    const char *path;
};

static int complain_of_line(void *context, unsigned line, const char *found)
{
    const struct file_complaint *complaint = context;
    const struct pin_request *request = complaint->request;

    return config_errors_add(
        request->errors, request->text, request->size, "$.environment_file",
        "expected lines NAME=value, found %s in %s:%u", found, complaint->path, line);
}

/* Reads environment_file, if there is one; *ret_environment is the caller's. */
static int read_environment_file(const struct pin_request *request, const struct spec *spec,
                                 char ***ret_environment)
{
    static const char expected[] = "a file that can be read";
    _cleanup_free_ char *path = NULL;
    _cleanup_free_ char *text = NULL;
    struct file_complaint complaint = {.request = request};
    struct stat status;
    size_t size;
    int r;

    if (spec->environment_file == NULL)
        return 0;
    r = resolve(request, spec->environment_file, &path);
    if (r < 0)
        return r;
    /* Before it is opened: nobody writes into a pipe that somebody forgot there. */
    if (stat(path, &status) < 0)
        r = error_from_errno();
    else if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode))
        r = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
    else
        r = text_file_read_whole(AT_FDCWD, path, CONFIG_SIZE_MAX, &text, &size);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return complain(request, "$.environment_file", expected, path, strerror(-r));
    complaint.path = path;
    return environment_file_decode(text, size, complain_of_line, &complaint, ret_environment);
}

static int pin_variables(const struct pin_request *request, struct spec *spec)
{
    _cleanup_strings_ char **file = NULL;
    struct pin_sources sources = {
        .base = request->environment, .user = spec->user, .environment = spec->environment};
    int total = read_environment_file(request, spec, &file);
    int r;

    if (total < 0)
        return total;
    sources.file = file;
    r = pin_environment(&sources, &spec->pinned_environment);
    return r < 0 ? r : total;
}

/* Finds the program of a command and looks at it; *ret_path is the caller's. */
static int find_program(const struct pin_request *request, const struct spec *spec,
                        const char *place, const char *name, char **ret_path)
{
    const char *search_path = environment_get(spec->pinned_environment, "PATH");
    _cleanup_free_ char *path = NULL;
    _cleanup_free_ char *interpreter = NULL;
    _cleanup_free_ char *detail = NULL;
    int r;

    r = executable_find(name, spec->pinned_directory, search_path, &path);
    if (r == -ENOMEM)
        return r;
    if (r == -ENOENT && strchr(name, '/') == NULL) {
        if (asprintf(&detail, "no such file in PATH (%s)", search_path) < 0) {
            detail = NULL;
            return -ENOMEM;
        }
        return complain(request, place, "a program that can be executed", name, detail);
    }
    if (r < 0)
        return complain(request, place, "a program that can be executed", name, strerror(-r));
    r = executable_check_script(path, spec->pinned_directory, &interpreter);
    if (r > 0)
        r = complain(request, place, "a script whose interpreter can be executed", interpreter,
                     "not there, or not to be executed");
    if (r == 0)
        *ret_path = take_ptr(path);
    return r;
}

static int pin_programs(const struct pin_request *request, struct spec *spec)
{
    _cleanup_free_ char *check = NULL;
    int total, r = 0;

    total = find_program(request, spec, request->exec_place, spec->exec[0],
                         &spec->pinned_executable);
    if (total < 0)
        return total;
    if (spec->check != NULL)
        r = find_program(request, spec, "$.check[0]", spec->check[0], &check);
    return r < 0 ? r : total | r;
}

static void pin_workers(struct spec *spec)
{
    int processors = processors_available();

    if (spec->workers_type == WORKERS_COUNT)
        return;
    if (spec->workers_type == WORKERS_MAX_OF_PROCESSORS_BUT_1)
        processors--;
    if (processors < 1)
        processors = 1;
    spec->policy.workers = processors < SLOT_MAX ? (uint32_t)processors : SLOT_MAX;
}

int pin_spec(const struct pin_request *request, struct spec *spec)
{
    int (*const steps[])(const struct pin_request *, struct spec *) = {
        pin_directory,
        pin_variables,
        pin_programs,
    };
    int total = check_accounts(request, spec);

    pin_workers(spec);
    for (size_t i = 0; total >= 0 && i < sizeof(steps) / sizeof(steps[0]); i++) {
        int r;

        /* Without its folder, nothing can be said of a program. */
        if (steps[i] == pin_programs && spec->pinned_directory == NULL)
            continue;
        r = steps[i](request, spec);
        total = r < 0 ? r : total | r;
    }
    return total;
}
