#include "reloadd-exec/steps.h"

#include "base/error.h"
#include "os/capture_filter.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Each returns 0 or -errno; *ret_detail, borrowed, is what the status line says beside the
 * step. */

static int hide_status_fd(const struct options *options, const char **ret_detail)
{
    *ret_detail = "--status-fd";
    if (options->status_fd < 0)
        return 0;
    return fcntl(options->status_fd, F_SETFD, FD_CLOEXEC) < 0 ? error_from_errno() : 0;
}

static int make_group(const struct options *options, const char **ret_detail)
{
    *ret_detail = NULL;
    if (!options->own_group || getpgrp() == getpid())
        return 0;
    return setpgid(0, 0) < 0 ? error_from_errno() : 0;
}

static int join_cgroup(const struct options *options, const char **ret_detail)
{
    char path[PATH_MAX];
    _cleanup_fd_ int fd = -1;
    int length;

    *ret_detail = options->cgroup;
    if (options->cgroup == NULL)
        return 0;
    length = snprintf(path, sizeof path, "%s/cgroup.procs", options->cgroup);
    if (length < 0 || (size_t)length >= sizeof path)
        return -ENAMETOOLONG;
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return error_from_errno();
    return write(fd, "0", 1) == 1 ? 0 : error_from_errno(); /* 0: the writer */
}

struct limit_name {
    const char *name;
    __rlimit_resource_t resource;
};

static const struct limit_name limit_names[] = {
    {"as", RLIMIT_AS},
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

static int parse_limit_value(const char **text, rlim_t *ret_value)
{
    static const char unlimited[] = "unlimited";
    char *end;

    if (strncmp(*text, unlimited, sizeof unlimited - 1) == 0) {
        *text += sizeof unlimited - 1;
        *ret_value = RLIM_INFINITY;
        return 0;
    }
    if (**text < '0' || **text > '9')
        return -EINVAL;
    errno = 0;
    *ret_value = strtoull(*text, &end, 10);
    *text = end;
    return errno != 0 ? error_from_errno() : 0;
}

static int set_limit(const char *text)
{
    const char *equals = strchr(text, '=');
    const char *value = equals != NULL ? equals + 1 : NULL;
    struct rlimit limit;
    int rv;

    if (value == NULL)
        return -EINVAL;
    rv = parse_limit_value(&value, &limit.rlim_cur);
    limit.rlim_max = limit.rlim_cur;
    if (rv == 0 && *value == ':') {
        value++;
        rv = parse_limit_value(&value, &limit.rlim_max);
    }
    if (rv < 0 || *value != '\0')
        return rv < 0 ? rv : -EINVAL;
    for (size_t i = 0; i < sizeof limit_names / sizeof limit_names[0]; i++) {
        size_t length = strlen(limit_names[i].name);

        if (length == (size_t)(equals - text) &&
            strncmp(limit_names[i].name, text, length) == 0)
            return setrlimit(limit_names[i].resource, &limit) < 0 ? error_from_errno() : 0;
    }
    return -EINVAL;
}

static int set_limits(const struct options *options, const char **ret_detail)
{
    for (size_t i = 0; i < options->limit_count; i++) {
        int rv;

        *ret_detail = options->limits[i];
        rv = set_limit(options->limits[i]);
        if (rv < 0)
            return rv;
    }
    return 0;
}

/* While still root, if it ever was: then no_new_privs is not needed. From here on bind(2) waits
 * for the primary, also in what the steps below call of libc. */
static int install_capture(const struct options *options, const char **ret_detail)
{
    enum capture_filter_scope scope = CAPTURE_FILTER_INTERNET;
    _cleanup_fd_ int channel = options->capture_fd;
    _cleanup_fd_ int fd = -1;
    int rv;

    *ret_detail = "--capture-fd";
    if (options->capture == NULL)
        return 0;
    if (fcntl(channel, F_SETFD, FD_CLOEXEC) < 0)
        return error_from_errno();
    if (strcmp(options->capture, "all") == 0)
        scope = CAPTURE_FILTER_ALL;
    rv = capture_filter_install(scope, &fd);
    if (rv >= 0)
        return capture_filter_hand_over(channel, fd);
    if (options->capture_optional)
        return capture_filter_decline(channel, rv);
    *ret_detail = capture_filter_explain(rv);
    return rv;
}

/* A number, or -1 where the text is none. */
static int64_t parse_id(const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && number < UINT32_MAX
               ? (int64_t)number
               : -1;
}

struct identity {
    uid_t uid;
    gid_t gid;
    const char *name; /* NULL: a number without an entry in the user database */
};

/* Returns 0; -ESRCH where there is no such user or group; -EINVAL where a user without an entry
 * comes without a group. */
static int find_identity(const struct options *options, struct identity *ret,
                         const char **ret_detail)
{
    const struct passwd *user = NULL;
    const struct group *group = NULL;
    int64_t number;

    *ret = (struct identity){.uid = getuid(), .gid = getgid()};
    if (options->user != NULL) {
        *ret_detail = options->user;
        number = parse_id(options->user);
        user = number >= 0 ? getpwuid((uid_t)number) : getpwnam(options->user);
        if (user == NULL && number < 0)
            return -ESRCH;
        if (user == NULL && options->group == NULL)
            return -EINVAL;
        ret->uid = user != NULL ? user->pw_uid : (uid_t)number;
        ret->gid = user != NULL ? user->pw_gid : ret->gid;
        ret->name = user != NULL ? user->pw_name : NULL;
    }
    if (options->group != NULL) {
        number = parse_id(options->group);
        group = number < 0 ? getgrnam(options->group) : NULL;
        if (number < 0 && group == NULL) {
            *ret_detail = options->group;
            return -ESRCH;
        }
        ret->gid = group != NULL ? group->gr_gid : (gid_t)number;
    }
    return 0;
}

/* Groups first: once the user has changed, the right to change them is gone. */
static int change_user(const struct options *options, const char **ret_detail)
{
    struct identity identity;
    int rv;

    *ret_detail = NULL;
    if (options->user == NULL && options->group == NULL)
        return 0;
    rv = find_identity(options, &identity, ret_detail);
    if (rv < 0)
        return rv;
    *ret_detail = options->user != NULL ? options->user : options->group;
    /* Whoever is that user already may not set groups, and need not. */
    if (getuid() == identity.uid && geteuid() == identity.uid && getgid() == identity.gid &&
        getegid() == identity.gid && geteuid() != 0)
        return 0;
    if (identity.name != NULL)
        rv = initgroups(identity.name, identity.gid);
    else
        rv = setgroups(0, NULL);
    if (rv < 0 || setresgid(identity.gid, identity.gid, identity.gid) < 0 ||
        setresuid(identity.uid, identity.uid, identity.uid) < 0)
        return error_from_errno();
    return 0;
}

static int change_directory(const struct options *options, const char **ret_detail)
{
    *ret_detail = options->directory;
    if (options->directory == NULL)
        return 0;
    return chdir(options->directory) < 0 ? error_from_errno() : 0;
}

/* A change of user clears the signal (prctl(2)), hence so late. A parent that died before it
 * was set will not die again, hence the look afterwards. */
static int bind_to_parent(const struct options *options, const char **ret_detail)
{
    *ret_detail = NULL;
    if (options->parent_death_signal != 0 &&
        prctl(PR_SET_PDEATHSIG, options->parent_death_signal, 0, 0, 0) < 0)
        return error_from_errno();
    return options->parent != 0 && getppid() != options->parent ? -ESRCH : 0;
}

static int set_pid_variable(const char *name, pid_t pid)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%d", (int)pid);
    return setenv(name, text, 1) < 0 ? error_from_errno() : 0;
}

/* Only here, after the fork, the pid is known that the program will have. */
static int set_environment(const struct options *options, const char **ret_detail)
{
    int rv = 0;

    *ret_detail = NULL;
    if (options->listen_pid) {
        /* A newer systemd's second check of who is meant; an inherited one is not us. */
        (void)unsetenv("LISTEN_PIDFDID");
        rv = set_pid_variable("LISTEN_PID", getpid());
    }
    if (rv == 0 && options->watchdog_pid && getenv("WATCHDOG_USEC") != NULL)
        rv = set_pid_variable("WATCHDOG_PID", getpid());
    if (rv == 0 && options->einhorn_pid)
        rv = set_pid_variable("EINHORN_MASTER_PID", getppid());
    return rv;
}

static int run_program(const struct options *options, const char **ret_detail)
{
    const char *file = options->program[0];

    *ret_detail = file;
    if (options->argv0 != NULL) /* execvp(3) writes to none of it */
        options->program[0] = (char *)(uintptr_t)options->argv0;
    (void)execvp(file, options->program);
    return error_from_errno();
}

struct step {
    enum exec_step name;
    int (*take)(const struct options *options, const char **ret_detail);
};

static const struct step steps[] = {
    {EXEC_STEP_OPTIONS, hide_status_fd},      {EXEC_STEP_GROUP, make_group},
    {EXEC_STEP_CGROUP, join_cgroup},          {EXEC_STEP_LIMIT, set_limits},
    {EXEC_STEP_CAPTURE, install_capture},     {EXEC_STEP_USER, change_user},
    {EXEC_STEP_DIRECTORY, change_directory},  {EXEC_STEP_PARENT, bind_to_parent},
    {EXEC_STEP_ENVIRONMENT, set_environment}, {EXEC_STEP_EXEC, run_program},
};

void steps_take(struct options *options, struct exec_status *ret_status)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const char *detail = NULL;
        int rv = steps[i].take(options, &detail);

        if (rv == 0)
            continue;
        *ret_status = (struct exec_status){.step = steps[i].name, .error = -rv};
        (void)snprintf(ret_status->detail, sizeof ret_status->detail, "%s",
                       detail != NULL ? detail : "");
        /* It is there, and yet "no such file": what its #! line or ELF header names is not. */
        if (steps[i].name == EXEC_STEP_EXEC && rv == -ENOENT && detail != NULL &&
            strchr(detail, '/') != NULL && access(detail, F_OK) == 0)
            ret_status->step = EXEC_STEP_INTERPRETER;
        return;
    }
}
