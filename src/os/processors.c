#include "os/processors.h"

#include "base/error.h"
#include "os/cgroup.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    PROCESSOR_MAX = 1 << 16,
};

/* The kernel says EINVAL where its mask is longer than the one it should fill
 * (sched_setaffinity(2)), so with a longer one each time. */
static int count_affinity(void)
{
    for (size_t processors = 1024; processors <= PROCESSOR_MAX; processors *= 2) {
        cpu_set_t *set = CPU_ALLOC(processors);
        size_t size = CPU_ALLOC_SIZE(processors);
        int count = 0;

        if (set == NULL)
            return 1;
        CPU_ZERO_S(size, set);
        if (sched_getaffinity(0, size, set) == 0)
            count = CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (count > 0)
            return count;
        if (errno != EINVAL)
            return 1;
    }
    return 1;
}

/* Reads FOLDER/NAME. Returns whether it could. */
static bool read_value(const char *folder, const char *name, char *text, size_t size)
{
    char path[PATH_MAX];
    size_t length;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return text_file_read(AT_FDCWD, path, text, size, &length) >= 0;
}

/* The quota in this folder, in processors rounded up; INT_MAX: none. */
static int read_quota(const char *folder, bool unified)
{
    char text[64];
    int64_t quota = -1;
    int64_t period = 0;
    int64_t count;

    if (unified) {
        /* "max 100000" has no first number (Documentation/admin-guide/cgroup-v2.rst). */
        if (!read_value(folder, "cpu.max", text, sizeof text) ||
            sscanf(text, "%" SCNd64 " %" SCNd64, &quota, &period) != 2)
            return INT_MAX;
    } else {
        if (!read_value(folder, "cpu.cfs_quota_us", text, sizeof text) ||
            sscanf(text, "%" SCNd64, &quota) != 1 ||
            !read_value(folder, "cpu.cfs_period_us", text, sizeof text) ||
            sscanf(text, "%" SCNd64, &period) != 1)
            return INT_MAX;
    }
    if (quota <= 0 || period <= 0)
        return INT_MAX;
    count = (quota - 1) / period + 1;
    return count < INT_MAX ? (int)count : INT_MAX;
}

/* The least quota from our folder up to the mount. */
static int count_quota(const char *controller)
{
    _cleanup_free_ char *mount = NULL;
    _cleanup_free_ char *folder = NULL;
    int least = INT_MAX;
    size_t root;

    if (cgroup_find_own(controller, &mount, &folder) != 0)
        return INT_MAX;
    root = strlen(mount);
    for (;;) {
        int quota = read_quota(folder, controller == NULL);
        char *slash = strrchr(folder, '/');

        if (quota < least)
            least = quota;
        if (strlen(folder) <= root || slash == NULL)
            return least;
        *slash = '\0';
    }
}

int processors_available(void)
{
    int count = count_affinity();
    int unified = count_quota(NULL);
    int legacy = count_quota("cpu");

    if (unified < count)
        count = unified;
    if (legacy < count)
        count = legacy;
    return count > 1 ? count : 1;
}
