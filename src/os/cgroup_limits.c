#include "os/cgroup_limits.h"

#include "base/error.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    LIST_SIZE = 512,
    /* The kernel's own default (cpu.max, cgroup-v2.rst): 1 % of it is its least quota, 1 ms. */
    CPU_PERIOD_US = 100000,
};

static const struct {
    enum cgroup_controller controller;
    const char *name;
} controllers[CGROUP_CONTROLLER_N] = {
    {CGROUP_MEMORY, "memory"},
    {CGROUP_CPU, "cpu"},
    {CGROUP_PIDS, "pids"},
    {CGROUP_HUGETLB, "hugetlb"},
};

const char *cgroup_controller_name(enum cgroup_controller controller)
{
    for (size_t i = 0; i < CGROUP_CONTROLLER_N; i++)
        if (controllers[i].controller == controller)
            return controllers[i].name;
    return "?";
}

uint32_t cgroup_limits_need(const struct cgroup_limits *limits)
{
    uint32_t need = 0;

    if (limits->memory_max != 0 || limits->memory_high != 0)
        need |= CGROUP_MEMORY;
    if (limits->cpu_weight != 0 || limits->cpu_percent != 0)
        need |= CGROUP_CPU;
    if (limits->tasks_max != 0)
        need |= CGROUP_PIDS;
    return need;
}

/* Returns 0, or -ENAMETOOLONG. */
static int path_of(char path[static PATH_MAX], const char *folder, const char *file)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", folder, file);

    return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* Reads "cpu memory pids" into bits; those that are of no use here are passed over. */
static int read_list(const char *folder, const char *file, uint32_t *ret_set)
{
    char path[PATH_MAX];
    char text[LIST_SIZE];
    char *save = NULL;
    uint32_t set = 0;
    size_t size;
    int rv = path_of(path, folder, file);

    if (rv == 0)
        rv = text_file_read(AT_FDCWD, path, text, sizeof text, &size);
    if (rv < 0)
        return rv;
    for (const char *word = strtok_r(text, " \n", &save); word != NULL;
         word = strtok_r(NULL, " \n", &save))
        for (size_t i = 0; i < CGROUP_CONTROLLER_N; i++)
            if (strcmp(word, controllers[i].name) == 0)
                set |= controllers[i].controller;
    *ret_set = set;
    return 0;
}

int cgroup_enabled_controllers(const char *folder, uint32_t *ret_controllers)
{
    return read_list(folder, "cgroup.subtree_control", ret_controllers);
}

static int enable_one(const char *folder, const char *name)
{
    char path[PATH_MAX];
    char text[32];
    int rv = path_of(path, folder, "cgroup.subtree_control");

    (void)snprintf(text, sizeof text, "+%s", name);
    return rv == 0 ? text_file_write(AT_FDCWD, path, text) : rv;
}

int cgroup_enable_controllers(const char *folder, uint32_t wanted, uint32_t *ret_got)
{
    uint32_t there = 0;
    uint32_t enabled = 0;
    int failure = 0;
    int rv;

    *ret_got = 0;
    rv = read_list(folder, "cgroup.controllers", &there);
    if (rv == 0)
        rv = cgroup_enabled_controllers(folder, &enabled);
    if (rv < 0)
        return rv;
    for (size_t i = 0; i < CGROUP_CONTROLLER_N; i++) {
        uint32_t bit = controllers[i].controller;

        if ((wanted & there & bit) == 0 || (enabled & bit) != 0)
            continue;
        rv = enable_one(folder, controllers[i].name);
        if (rv == 0)
            enabled |= bit;
        else if (failure != -EBUSY)
            failure = rv;
    }
    *ret_got = wanted & enabled;
    if (failure != 0)
        return failure;
    return (wanted & ~enabled) != 0;
}

/* One file and what is to be in it. */
struct setting {
    const char *file;
    char text[48]; /* "": stays as it is */
};

static void set_number(struct setting *setting, uint64_t number)
{
    if (number != 0)
        (void)snprintf(setting->text, sizeof setting->text, "%" PRIu64, number);
}

int cgroup_limit(const char *folder, const struct cgroup_limits *limits)
{
    struct setting settings[] = {{.file = "memory.high"},
                                 {.file = "memory.max"},
                                 {.file = "cpu.weight"},
                                 {.file = "cpu.max"},
                                 {.file = "pids.max"}};
    char path[PATH_MAX];
    int failure = 0;

    set_number(&settings[0], limits->memory_high);
    set_number(&settings[1], limits->memory_max);
    set_number(&settings[2], limits->cpu_weight);
    if (limits->cpu_percent != 0)
        (void)snprintf(settings[3].text, sizeof settings[3].text, "%" PRIu64 " %d",
                       (uint64_t)limits->cpu_percent * (CPU_PERIOD_US / 100), CPU_PERIOD_US);
    set_number(&settings[4], limits->tasks_max);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        int rv = path_of(path, folder, settings[i].file);

        if (settings[i].text[0] == '\0')
            continue;
        if (rv == 0)
            rv = text_file_write(AT_FDCWD, path, settings[i].text);
        if (rv == -ENOENT) /* cgroupfs has no such file where the controller is not enabled */
            rv = 1;
        if (rv != 0 && failure >= 0)
            failure = rv;
    }
    return failure;
}
