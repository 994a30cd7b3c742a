#include "reloadd/pin_environment.h"

#include "base/error.h"
#include "wire/environment.h"
#include "wire/format.h"
#include "wire/strings.h"

#include <pwd.h>
#include <stdbool.h>
#include <string.h>

/* DEFAULT_PATH of systemd as Debian builds it (`systemd-path search-binaries-default`). */
static const char default_path[] =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

enum {
    ACCOUNT_BUFFER_FIRST = 1024,
    ACCOUNT_BUFFER_MAX = 1 << 20,
};

/* Looks a user up by name, else by number. Returns 0, 1 where there is none, or -ENOMEM. The
 * strings lie in *ret_buffer, which is the caller's. */
static int find_user(const char *user, struct passwd *ret_entry, char **ret_buffer)
{
    char *end;
    unsigned long number = strtoul(user, &end, 10);
    bool is_number = *user != '\0' && *end == '\0';

    for (size_t size = ACCOUNT_BUFFER_FIRST; size <= ACCOUNT_BUFFER_MAX; size *= 2) {
        _cleanup_free_ char *buffer = malloc(size);
        struct passwd *found = NULL;
        int r;

        if (buffer == NULL)
            return -ENOMEM;
        r = getpwnam_r(user, ret_entry, buffer, size, &found);
        if (r != ERANGE && found == NULL && is_number)
            r = getpwuid_r((uid_t)number, ret_entry, buffer, size, &found);
        if (found != NULL) {
            *ret_buffer = take_ptr(buffer);
            return 0;
        }
        if (r != ERANGE)
            return r == ENOMEM ? -ENOMEM : 1;
    }
    return 1;
}

static int put(char ***environment, const char *name, const char *value)
{
    _cleanup_free_ char *entry = NULL;
    int r = format_string(&entry, "%s=%s", name, value);

    return r < 0 ? r : environment_put(environment, entry);
}

/* As systemd.exec(5) has it: no HOME or SHELL that says nothing ("/", "/usr/sbin/nologin"). */
static int put_user(char ***environment, const char *user)
{
    _cleanup_free_ char *buffer = NULL;
    struct passwd entry;
    int r = find_user(user, &entry, &buffer);

    if (r != 0)
        return r < 0 ? r : 0;
    r = put(environment, "USER", entry.pw_name);
    if (r == 0)
        r = put(environment, "LOGNAME", entry.pw_name);
    if (r == 0 && *entry.pw_dir != '\0' && strcmp(entry.pw_dir, "/") != 0)
        r = put(environment, "HOME", entry.pw_dir);
    if (r == 0 && *entry.pw_shell != '\0' && strstr(entry.pw_shell, "/nologin") == NULL &&
        strcmp(entry.pw_shell, "/bin/false") != 0)
        r = put(environment, "SHELL", entry.pw_shell);
    return r;
}

static bool is_of_user(const char *entry)
{
    static const char *const names[] = {"HOME=", "USER=", "LOGNAME=", "SHELL="};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(entry, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static int put_base(char ***environment, const struct pin_sources *sources)
{
    for (const char *const *entry = sources->base; entry != NULL && *entry != NULL; entry++) {
        int r;

        /* environ(7) may hold anything; what has no name can't be handed on by name. */
        if (strchr(*entry, '=') == NULL || **entry == '=' || environment_is_reserved(*entry))
            continue;
        if (sources->user != NULL && is_of_user(*entry))
            continue;
        r = environment_put(environment, *entry);
        if (r < 0)
            return r;
    }
    return 0;
}

int pin_environment(const struct pin_sources *sources, char ***ret_environment)
{
    _cleanup_strings_ char **environment = NULL;
    int r = environment_put(&environment, default_path);

    if (r == 0)
        r = put_base(&environment, sources);
    if (r == 0 && sources->user != NULL)
        r = put_user(&environment, sources->user);
    if (r == 0)
        r = environment_merge(&environment, sources->file);
    if (r == 0)
        r = environment_merge(&environment, sources->environment);
    if (r == 0)
        *ret_environment = take_ptr(environment);
    return r;
}
