#include "wire/einhorn.h"

#include "base/error.h"
#include "wire/tree.h"

#include <string.h>

int einhorn_ack_parse(const char *line, size_t size, int32_t *ret_pid)
{
    _cleanup_json_ json_t *object = NULL;
    const char *command;
    json_int_t pid;
    int r = tree_parse(line, size, &object, NULL);

    if (r != 0)
        return r;
    command = json_string_value(json_object_get(object, "command"));
    /* 0 also where it is missing or no integer. */
    pid = json_integer_value(json_object_get(object, "pid"));
    if (!command || strcmp(command, "worker:ack") != 0 || pid <= 0 || pid > INT32_MAX)
        return 1;
    *ret_pid = (int32_t)pid;
    return 0;
}
