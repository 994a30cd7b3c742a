#include "os/config_folder.h"

#include "base/error.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

static int join(const char *folder, const char *rest, char **ret_path)
{
    char *path;

    if (asprintf(&path, "%s/%s", folder, rest) < 0)
        return -ENOMEM;
    *ret_path = path;
    return 0;
}

int config_folder_find(bool of_user, char **ret_path)
{
    const char *folder;

    if (!of_user)
        return join("/etc", "reloadd", ret_path);
    folder = getenv("XDG_CONFIG_HOME");
    if (folder != NULL && folder[0] == '/')
        return join(folder, "reloadd", ret_path);
    folder = getenv("HOME");
    if (folder == NULL || folder[0] != '/') {
        const struct passwd *user = getpwuid(geteuid());

        folder = user != NULL ? user->pw_dir : NULL;
    }
    return folder != NULL ? join(folder, ".config/reloadd", ret_path) : -ENOENT;
}

int config_folder_file(bool of_user, const char *name, char **ret_path)
{
    _cleanup_free_ char *folder = NULL;
    char *path;
    int rv = config_folder_find(of_user, &folder);

    if (rv < 0)
        return rv;
    if (asprintf(&path, "%s/%s.json", folder, name) < 0)
        return -ENOMEM;
    *ret_path = path;
    return 0;
}
