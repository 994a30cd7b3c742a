#include "os/unit.h"

#include <string.h>
#include <systemd/sd-login.h>

static bool is_service(const char *name)
{
    static const char suffix[] = ".service";
    size_t length = strlen(name);

    return length >= strlen(suffix) && strcmp(name + length - strlen(suffix), suffix) == 0;
}

int unit_of_process(pid_t pid, char **ret_name, bool *ret_is_user)
{
    _cleanup_free_ char *name = NULL;
    bool is_user = true;
    int r = sd_pid_get_user_unit(pid, &name);

    if (r < 0 && r != -ENOMEM) {
        is_user = false;
        r = sd_pid_get_unit(pid, &name);
    }
    if (r == -ENOMEM)
        return r;
    if (r < 0 || !is_service(name))
        return 1;
    *ret_name = take_ptr(name);
    *ret_is_user = is_user;
    return 0;
}
