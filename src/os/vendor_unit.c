#include "os/vendor_unit.h"

#include "base/error.h"

#include <stdio.h>

int vendor_unit_find(bool of_user, const char *unit, char **ret_path)
{
    static const char *const folders[] = {"/usr/local/lib", "/usr/lib", "/lib"};

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char *path;

        if (asprintf(&path, "%s/systemd/%s/%s", folders[i], of_user ? "user" : "system", unit) <
            0)
            return -ENOMEM;
        if (access(path, F_OK) == 0) {
            *ret_path = path;
            return 0;
        }
        free(path);
    }
    return 1;
}
