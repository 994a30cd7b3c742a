#include "wire/config_key.h"

#include "wire/config.h"

#include <stdbool.h>
#include <string.h>

#define OF_SPEC(member)     offsetof(struct spec, member)
#define OF_LISTENER(member) offsetof(struct listener_spec, member)

/* The least time that a deadline may leave: at zero, everything would fail at once. */
#define LEAST_DEADLINE 0.001

/* A worker that is asked more often than this has little time for anybody else. */
#define LEAST_INTERVAL 0.01

/* Less is somebody's slip for megabytes: no program could live on it. */
#define LEAST_MEMORY (1 << 20)

/* A worker that is replaced more often than this does little else. */
#define LEAST_AGE 1

/* PID_MAX_LIMIT, include/linux/threads.h: as many as the kernel's own limit can be. */
#define TASKS_MOST 4194304

/* SLOT_MAX whole processors. */
#define CPU_PERCENT_MOST (SLOT_MAX * 100)

#define RLIMIT_ROW(name, type)                                                                 \
    {                                                                                          \
        "limits", name, type, OF_SPEC(limits.rlimits), 0, 0, NULL                              \
    }

enum {
    BACKLOG_MOST = 1000000,
    FAILURES_MOST = 1000,
};

const struct config_key config_keys[] = {
    {"", "$schema", CONFIG_IGNORED, 0, 0, 0, NULL},
    {"", "listen", CONFIG_LISTEN, 0, 0, CONFIG_LISTENER_MAX, NULL},
    {"", "exec", CONFIG_COMMAND, OF_SPEC(exec), 0, 0, NULL},
    {"", "working_directory", CONFIG_PATH, OF_SPEC(working_directory), 0, 0, NULL},
    {"", "environment", CONFIG_VARIABLES, OF_SPEC(environment), 0, 0, NULL},
    {"", "environment_file", CONFIG_PATH, OF_SPEC(environment_file), 0, 0, NULL},
    {"", "user", CONFIG_ACCOUNT, OF_SPEC(user), 0, 0, NULL},
    {"", "group", CONFIG_ACCOUNT, OF_SPEC(group), 0, 0, NULL},
    {"", "workers", CONFIG_WORKERS, 0, 1, SLOT_MAX, "1"},
    {"", "readiness", CONFIG_SECTION, 0, 0, 0, NULL},
    {"", "delivery", CONFIG_SECTION, 0, 0, 0, NULL},
    {"", "dispatch", CONFIG_SECTION, 0, 0, 0, NULL},
    {"", "drain", CONFIG_SECTION, 0, 0, 0, NULL},
    {"", "watchdog", CONFIG_SECTION, 0, 0, 0, NULL},
    {"", "rollout", CONFIG_SECTION, 0, 0, 0, NULL},
    {"", "restart", CONFIG_SECTION, 0, 0, 0, NULL},
    {"", "limits", CONFIG_SECTION, 0, 0, 0, NULL},
    {"", "recycle", CONFIG_SECTION, 0, 0, 0, NULL},
    {"", "harden", CONFIG_BOOLEAN, OF_SPEC(harden), 0, 0, "false"},
    {"", "check", CONFIG_COMMAND, OF_SPEC(check), 0, 0, NULL},

    {"readiness", "type", CONFIG_READINESS, OF_SPEC(policy.readiness), 0, 0, "\"auto\""},
    {"readiness", "timeout_seconds", CONFIG_SECONDS, OF_SPEC(policy.readiness_timeout),
     LEAST_DEADLINE, CONFIG_SECONDS_MAX, "30"},
    {"readiness", "delay_seconds", CONFIG_SECONDS, OF_SPEC(policy.readiness_delay), 0,
     CONFIG_SECONDS_MAX, "1"},
    {"readiness", "listener", CONFIG_NAME, OF_SPEC(probe.listener), 0, 0, NULL},
    {"readiness", "path", CONFIG_TARGET, OF_SPEC(probe.path), 0, 0, NULL},
    {"readiness", "host", CONFIG_HOST, OF_SPEC(probe.host), 0, 0, NULL},
    {"readiness", "expect", CONFIG_EXPECT, OF_SPEC(probe.expect), 0, 0, NULL},
    {"readiness", "interval_seconds", CONFIG_SECONDS, OF_SPEC(probe.interval), LEAST_INTERVAL,
     CONFIG_SECONDS_MAX, "1"},
    {"readiness", "probe_timeout_seconds", CONFIG_SECONDS, OF_SPEC(probe.timeout),
     LEAST_DEADLINE, CONFIG_SECONDS_MAX, "2"},
    {"readiness", "failures", CONFIG_COUNT, OF_SPEC(probe.failures), 1, FAILURES_MOST, "3"},
    {"readiness", "liveness", CONFIG_BOOLEAN, OF_SPEC(probe.liveness), 0, 0, "false"},

    {"delivery", "type", CONFIG_DELIVERY, OF_SPEC(delivery), 0, 0, "\"auto\""},
    {"delivery", "dialects", CONFIG_DIALECTS, OF_SPEC(dialects), 0, 0,
     "[\"listen_fds\", \"server_starter\", \"einhorn\"]"},

    {"dispatch", "type", CONFIG_DISPATCH, OF_SPEC(dispatch), 0, 0, "\"auto\""},

    {"drain", "signal", CONFIG_SIGNAL, OF_SPEC(drain_signal), 0, 0, "\"SIGTERM\""},
    {"drain", "detach", CONFIG_BOOLEAN, OF_SPEC(drain_detach), 0, 0, "true"},
    {"drain", "wait", CONFIG_WAIT, OF_SPEC(drain_wait), 0, 0, "\"auto\""},
    {"drain", "polite", CONFIG_POLITE, OF_SPEC(drain_polite_off), 0, 0, "\"auto\""},
    {"drain", "idle_seconds", CONFIG_SECONDS, OF_SPEC(drain_idle), 0, CONFIG_SECONDS_MAX, "5"},
    {"drain", "timeout_seconds", CONFIG_SECONDS, OF_SPEC(policy.drain_timeout), 0,
     CONFIG_SECONDS_MAX, "30"},

    {"watchdog", "timeout_seconds", CONFIG_SECONDS, OF_SPEC(policy.watchdog), 0,
     CONFIG_SECONDS_MAX, "0"},

    {"rollout", "max_surge", CONFIG_SHARE, OF_SPEC(policy.max_surge), 0, SLOT_MAX, "1"},
    {"rollout", "max_unavailable", CONFIG_SHARE, OF_SPEC(policy.max_unavailable), 0, SLOT_MAX,
     "0"},
    {"rollout", "min_ready_seconds", CONFIG_SECONDS, OF_SPEC(policy.min_ready), 0,
     CONFIG_SECONDS_MAX, "0"},
    {"rollout", "progress_deadline_seconds", CONFIG_SECONDS, OF_SPEC(policy.progress_deadline),
     LEAST_DEADLINE, CONFIG_SECONDS_MAX, "600"},
    {"rollout", "max_failures", CONFIG_COUNT, OF_SPEC(policy.max_failures), 0, SLOT_MAX, "0"},
    {"rollout", "auto_rollback", CONFIG_BOOLEAN, OF_SPEC(policy.auto_rollback), 0, 0, "true"},

    {"restart", "initial_delay_seconds", CONFIG_SECONDS, OF_SPEC(policy.restart_initial), 0,
     CONFIG_SECONDS_MAX, "0.1"},
    {"restart", "max_delay_seconds", CONFIG_SECONDS, OF_SPEC(policy.restart_max), 0,
     CONFIG_SECONDS_MAX, "15"},
    {"restart", "reset_after_seconds", CONFIG_SECONDS, OF_SPEC(policy.restart_reset), 0,
     CONFIG_SECONDS_MAX, "30"},

    {"limits", "memory_max", CONFIG_BYTES, OF_SPEC(limits.memory_max), LEAST_MEMORY, 0, NULL},
    {"limits", "memory_high", CONFIG_BYTES, OF_SPEC(limits.memory_high), LEAST_MEMORY, 0, NULL},
    {"limits", "cpu_weight", CONFIG_COUNT, OF_SPEC(limits.cpu_weight), 1, 10000, NULL},
    {"limits", "cpu_percent", CONFIG_COUNT, OF_SPEC(limits.cpu_percent), 1, CPU_PERCENT_MOST,
     NULL},
    {"limits", "tasks_max", CONFIG_COUNT, OF_SPEC(limits.tasks_max), 1, TASKS_MOST, NULL},
    RLIMIT_ROW("nofile", CONFIG_RLIMIT),
    RLIMIT_ROW("nproc", CONFIG_RLIMIT),
    RLIMIT_ROW("core", CONFIG_RLIMIT_BYTES),
    RLIMIT_ROW("stack", CONFIG_RLIMIT_BYTES),
    RLIMIT_ROW("as", CONFIG_RLIMIT_BYTES),
    RLIMIT_ROW("data", CONFIG_RLIMIT_BYTES),
    RLIMIT_ROW("fsize", CONFIG_RLIMIT_BYTES),
    RLIMIT_ROW("memlock", CONFIG_RLIMIT_BYTES),
    RLIMIT_ROW("msgqueue", CONFIG_RLIMIT_BYTES),
    RLIMIT_ROW("cpu", CONFIG_RLIMIT),
    RLIMIT_ROW("sigpending", CONFIG_RLIMIT),
    RLIMIT_ROW("nice", CONFIG_RLIMIT),
    RLIMIT_ROW("rtprio", CONFIG_RLIMIT),
    RLIMIT_ROW("rttime", CONFIG_RLIMIT),

    {"recycle", "memory_bytes", CONFIG_BYTES, OF_SPEC(policy.recycle_memory), LEAST_MEMORY, 0,
     NULL},
    {"recycle", "max_age_seconds", CONFIG_SECONDS, OF_SPEC(policy.recycle_age), LEAST_AGE,
     CONFIG_SECONDS_MAX, NULL},

    {"listen", "name", CONFIG_NAME, OF_LISTENER(name), 0, 0, NULL},
    {"listen", "stream", CONFIG_ADDRESS, 0, 0, 0, NULL},
    {"listen", "mode", CONFIG_MODE, OF_LISTENER(mode), 0, 0, "\"0660\""},
    {"listen", "owner", CONFIG_ACCOUNT, OF_LISTENER(owner), 0, 0, NULL},
    {"listen", "group", CONFIG_ACCOUNT, OF_LISTENER(group), 0, 0, NULL},
    {"listen", "polite", CONFIG_POLITE, OF_LISTENER(polite_off), 0, 0, "\"auto\""},
    {"listen", "backlog", CONFIG_COUNT, OF_LISTENER(backlog), 1, BACKLOG_MOST, "4096"},
};

const size_t config_key_n = sizeof(config_keys) / sizeof(config_keys[0]);

const struct config_key *config_key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < config_key_n; i++)
        if (strcmp(config_keys[i].section, section) == 0 &&
            strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
}

enum {
    NAME_MAX_LENGTH = 63, /* beyond it, nothing counts as a slip for a known name */
    SLIPS_MAX = 3,
    STEM_LEAST = 3, /* letters that say enough of a longer name */
};

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters were left out, put in, taken for another, or swapped with their neighbour
 * ("optimal string alignment"); both names are at most NAME_MAX_LENGTH long. */
static unsigned slips(const char *a, const char *b)
{
    unsigned rows[3][NAME_MAX_LENGTH + 1];
    size_t n = strlen(a), m = strlen(b);

    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        const unsigned *before = rows[(i + 1) % 3], *above = rows[(i - 1) % 3];
        unsigned *row = rows[i % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            bool same = a[i - 1] == b[j - 1];

            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

/* The shortest known name that begins with this one: "env", "working_dir", "timeout". */
static const char *longer_name(const char *section, const char *name)
{
    const char *shortest = NULL;

    for (size_t i = 0; strlen(name) >= STEM_LEAST && i < config_key_n; i++)
        if (strcmp(config_keys[i].section, section) == 0 &&
            strncmp(config_keys[i].name, name, strlen(name)) == 0 &&
            (shortest == NULL || strlen(config_keys[i].name) < strlen(shortest)))
            shortest = config_keys[i].name;
    return shortest;
}

const char *config_key_nearest(const char *section, const char *name)
{
    const char *nearest = NULL;
    size_t n = strnlen(name, NAME_MAX_LENGTH + 1);
    unsigned fewest = least(SLIPS_MAX, 1 + (unsigned)n / 3) + 1;

    if (n > NAME_MAX_LENGTH)
        return NULL;
    for (size_t i = 0; i < config_key_n; i++) {
        unsigned distance;

        if (strcmp(config_keys[i].section, section) != 0)
            continue;
        distance = slips(name, config_keys[i].name);
        if (distance < fewest) {
            fewest = distance;
            nearest = config_keys[i].name;
        }
    }
    return nearest != NULL ? nearest : longer_name(section, name);
}

const char *config_key_home(const char *section, const char *name)
{
    for (size_t i = 0; i < config_key_n; i++)
        if (strcmp(config_keys[i].section, section) != 0 &&
            strcmp(config_keys[i].name, name) == 0)
            return config_keys[i].section;
    return NULL;
}
