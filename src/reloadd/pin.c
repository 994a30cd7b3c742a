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
#include "wire/format.h"
#include "wire/strings.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_PLACE "$.environment_file"

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
    bool here = *path == '/' || strcmp(request->file_directory, ".") == 0;

    return format_string(ret_path, "%s%s%s", here ? "" : request->file_directory,
                         here ? "" : "/", path);
}

static int pin_directory(const struct pin_request *request, struct spec *spec)
{
    static const char place[] = "$.working_directory";
    _cleanup_free_ char *path = NULL;
    _cleanup_free_ char *real = NULL;
    struct stat status;
    int r;

    if (config_errors_doubt(request->errors, place))
        return 0;
    /* What was not written is the primary's own folder, not the file's. */
    if (spec->working_directory != NULL)
        r = resolve(request, spec->working_directory, &path);
    else
        r = format_string(&path, ".");
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
    return complain(request, place, "a folder that can be entered", path, strerror(-r));
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

/* A number that no user has is taken as it is, but it brings no group along (reloadd-exec). */
static int check_user(const struct pin_request *request, const struct spec *spec)
{
    int r = check_account(request, spec->user, NULL, "$.user");
    uid_t uid;
    gid_t gid;

    if (r != 0 || spec->user == NULL || spec->group != NULL ||
        config_errors_doubt(request->errors, "$.group") ||
        account_find(spec->user, NULL, &uid, &gid) != 0)
        return r;
    errno = 0;
    if (getpwuid(uid) != NULL || (errno != 0 && errno != ENOENT))
        return 0;
    return complain(request, "$.user", "a user of this machine, or \"group\" beside a number",
                    spec->user, "no user has this number");
}

static int check_accounts(const struct pin_request *request, const struct spec *spec)
{
    char place[64];
    int total = check_user(request, spec);
    int r = total < 0 ? 0 : check_account(request, NULL, spec->group, "$.group");

    for (size_t i = 0; total >= 0 && r >= 0 && i < spec->listener_n; i++) {
        const struct listener_spec *listener = &spec->listeners[i];

        /* Only a unix socket has them; any address may be the one that was written wrongly. */
        if (listener->address != NULL && listener->type == LISTENER_TCP)
            continue;
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
    const char *path; /* printable */
};

static int complain_of_line(void *context, unsigned line, const char *found)
{
    const struct file_complaint *complaint = context;
    const struct pin_request *request = complaint->request;

    return config_errors_add(request->errors, request->text, request->size, FILE_PLACE,
                             "expected lines NAME=value, found %s in %s:%u", found,
                             complaint->path, line);
}

static int decode_environment_file(const struct pin_request *request, const char *path,
                                   const char *text, size_t size, char ***ret_environment)
{
    _cleanup_text_ struct text visible = {0};
    struct file_complaint complaint = {.request = request};
    int r = text_append_visible(&visible, path, strlen(path));

    if (r < 0)
        return r;
    complaint.path = text_string(&visible);
    return environment_file_decode(text, size, complain_of_line, &complaint, ret_environment);
}

/* Reads environment_file, if there is one; *ret_environment is the caller's. */
static int read_environment_file(const struct pin_request *request, const struct spec *spec,
                                 char ***ret_environment)
{
    static const char expected[] = "a file that can be read";
    _cleanup_free_ char *path = NULL;
    _cleanup_free_ char *text = NULL;
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
        return complain(request, FILE_PLACE, expected, path, strerror(-r));
    return decode_environment_file(request, path, text, size, ret_environment);
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

/* The PATH that workers will have, or NULL where that can't be told for mistakes. */
static const char *search_path(const struct pin_request *request, const struct spec *spec)
{
    if (config_errors_doubt(request->errors, "$.environment.PATH"))
        return NULL;
    /* What `environment` says wins over the file. */
    if (config_errors_doubt(request->errors, FILE_PLACE) &&
        environment_get(spec->environment, "PATH") == NULL)
        return NULL;
    return environment_get(spec->pinned_environment, "PATH");
}

/* Where a program was looked for, as the end of a sentence; nothing for an absolute path. */
static int describe_search(const struct spec *spec, const char *name, const char *path,
                           struct text *text)
{
    bool searched = strchr(name, '/') == NULL;
    const char *where = searched ? path : spec->pinned_directory;
    int r;

    if (*name == '/')
        return 0;
    r = text_append_string(text, searched ? " in PATH (" : " (from ");
    if (r == 0)
        r = text_append_visible(text, where, strlen(where));
    return r < 0 ? r : text_append_string(text, ")");
}

/* Complains of what executable_find() has said. Returns 1 or -ENOMEM. */
static int complain_of_program(const struct pin_request *request, const struct spec *spec,
                               const char *place, const char *name, const char *path, int error)
{
    _cleanup_text_ struct text detail = {0};
    int r = text_append_string(&detail, strerror(-error));

    if (r == 0)
        r = describe_search(spec, name, path, &detail);
    if (r < 0)
        return r;
    return complain(request, place, "a program that can be executed", name,
                    text_string(&detail));
}

/* Finds the program of a command and looks at it; *ret_path is the caller's, and stays as it is
 * where nothing can be said. */
static int find_program(const struct pin_request *request, const struct spec *spec,
                        const char *place, char *const *command, char **ret_path)
{
    const char *path = search_path(request, spec);
    const char *name = command != NULL ? command[0] : "";
    _cleanup_free_ char *found = NULL;
    _cleanup_free_ char *interpreter = NULL;
    int r;

    if (*name == '\0' || (path == NULL && strchr(name, '/') == NULL))
        return 0;
    r = executable_find(name, spec->pinned_directory, path, &found);
    if (r == 1 || r == -ENOMEM)
        return r < 0 ? r : 0;
    if (r < 0)
        return complain_of_program(request, spec, place, name, path, r);
    r = executable_check_script(found, spec->pinned_directory, &interpreter);
    if (r > 0)
        r = complain(request, place, "a script whose interpreter can be executed", interpreter,
                     "not there, or not to be executed");
    if (r == 0)
        *ret_path = take_ptr(found);
    return r;
}

static int pin_programs(const struct pin_request *request, struct spec *spec)
{
    _cleanup_free_ char *check = NULL;
    int total =
        find_program(request, spec, request->exec_place, spec->exec, &spec->pinned_executable);
    int r;

    if (total < 0)
        return total;
    r = find_program(request, spec, "$.check[0]", spec->check, &check);
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
        int r = steps[i](request, spec);

        total = r < 0 ? r : total | r;
    }
    return total;
}
