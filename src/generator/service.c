#include "generator/service.h"

#include "base/error.h"
#include "generator/unit_text.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    /* The first systemd with DelegateSubgroup= (its NEWS). */
    VERSION_DELEGATE_SUBGROUP = 254,
    /* Beyond the drain: the primary kills what is left, writes its journal and leaves. */
    STOP_SLACK_SECONDS = 30,
    /* So many workers, each with a pidfd, a notify socket, a filter and some lanes, and as many
     * that drain beside them, have descriptors for 1,024, the usual soft limit, which systemd
     * applies before it hands the stored ones over (exec_child()). */
    WORKERS_OF_USUAL_LIMIT = 100,
};

#define NANOSECONDS_OF_A_SECOND UINT64_C(1000000000)

static const char ordering[] =
    "Wants=network-online.target\n"
    "After=network-online.target remote-fs.target nss-user-lookup.target\n";

static const char start_limit[] = "StartLimitIntervalSec=0\n";

static const char life[] = "KillMode=process\n"
                           "NonBlocking=yes\n"
                           "Restart=always\n"
                           "RestartSec=0\n"
                           "RestartPreventExitStatus=0 1 2 5\n"
                           "TimeoutStartSec=90\n"
                           "TimeoutAbortSec=10\n"
                           "WatchdogSec=30\n"
                           "OOMPolicy=continue\n"
                           "Delegate=yes\n";

static const char keeping[] = "FileDescriptorStoreMax=16384\n"
                              "RuntimeDirectory=reloadd/%s\n"
                              "RuntimeDirectoryMode=0711\n"
                              "RuntimeDirectoryPreserve=restart\n";

static const char many_files[] = "LimitNOFILE=65536:524288\n";

static const char state[] = "StateDirectory=reloadd/%s\n"
                            "StateDirectoryMode=0700\n";

/* What no server of stream connections needs, and what costs no mount namespace. */
static const char capabilities[] =
    "CapabilityBoundingSet=~CAP_AUDIT_CONTROL CAP_AUDIT_READ CAP_BLOCK_SUSPEND "
    "CAP_LINUX_IMMUTABLE CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_SYSLOG CAP_SYS_BOOT CAP_SYS_MODULE "
    "CAP_SYS_PACCT CAP_SYS_RAWIO CAP_SYS_TIME CAP_WAKE_ALARM\n";

/* Of `harden`: what a user's manager can do too. */
static const char harden_any[] = "NoNewPrivileges=yes\n"
                                 "LockPersonality=yes\n"
                                 "RestrictNamespaces=yes\n"
                                 "RestrictRealtime=yes\n"
                                 "RestrictSUIDSGID=yes\n"
                                 "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n"
                                 "SystemCallArchitectures=native\n"
                                 "SystemCallFilter=~@clock @cpu-emulation @module @mount "
                                 "@obsolete @raw-io @reboot @swap\n"
                                 "SystemCallErrorNumber=EPERM\n";

static const char harden_system[] =
    "ProtectSystem=full\n"
    "ProtectKernelTunables=yes\n"
    "ProtectKernelModules=yes\n"
    "ProtectKernelLogs=yes\n"
    "PrivateDevices=yes\n"
    "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER "
    "CAP_FSETID "
    "CAP_KILL CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID CAP_SYS_PTRACE CAP_SYS_RESOURCE";

/* Of `harden`, where drains are polite (os/polite.h). */
static const char harden_polite[] = " CAP_BPF CAP_NET_ADMIN CAP_PERFMON";

static int write_unit_section(struct text *text, const struct service_request *request)
{
    const struct unit_origin *origin = &request->origin;
    int r =
        text_appendf(text,
                     "# Made by reloadd-generator(8) of the file that SourcePath= names.\n"
                     "[Unit]\n"
                     "Description=%s, under reloadd\n"
                     "Documentation=man:reloadd(8) man:reloadctl(1) man:reloadd-generator(8)\n",
                     origin->app);

    if (r == 0 && unit_value_is_plain(origin->source))
        r = unit_text_set(text, "SourcePath", origin->source);
    if (r == 0 && !request->of_user)
        r = text_append_string(text, ordering);
    return r == 0 ? text_append_string(text, start_limit) : r;
}

static int write_command(struct text *text, const struct service_request *request,
                         const char *key, const char *prefix, const char *program,
                         const char *const *arguments)
{
    const char *words[8] = {NULL};
    char path[4096];
    size_t n = 1;

    (void)snprintf(path, sizeof(path), "%s/%s", request->programs, program);
    words[0] = path;
    for (; arguments[n - 1] != NULL; n++) {
        assert(n + 1 < sizeof(words) / sizeof(words[0]));
        words[n] = arguments[n - 1];
    }
    return unit_text_command(text, key, prefix, words);
}

static int write_commands(struct text *text, const struct service_request *request)
{
    const char *app = request->origin.app;
    const char *const serve[] = {"--config", request->origin.source, "--name", app, "--adopt",
                                 NULL};
    const char *const reload[] = {"reload", "--wait", app, NULL};
    const char *const sweep[] = {"--sweep", "--name", app, NULL};
    int r = write_command(text, request, "ExecStart", "", "reloadd", serve);

    if (r == 0)
        r = write_command(text, request, "ExecReload", "", "reloadctl", reload);
    return r == 0 ? write_command(text, request, "ExecStopPost", "-", "reloadd", sweep) : r;
}

static int write_sockets(struct text *text, const struct socket_plan *plan)
{
    int r = plan->n > 0 ? text_append_string(text, "Sockets=") : 0;

    for (size_t i = 0; i < plan->n && r == 0; i++)
        r = text_appendf(text, "%s%s", i > 0 ? " " : "", plan->units[i].name);
    return r == 0 && plan->n > 0 ? text_append_string(text, "\n") : r;
}

static int write_life(struct text *text, const struct service_request *request)
{
    uint64_t drain = request->spec->policy.drain_timeout.nanoseconds;
    uint64_t seconds =
        (drain + NANOSECONDS_OF_A_SECOND - 1) / NANOSECONDS_OF_A_SECOND + STOP_SLACK_SECONDS;
    int r = text_append_string(text, life);

    if (r == 0 && request->systemd_version >= VERSION_DELEGATE_SUBGROUP)
        r = text_append_string(text, "DelegateSubgroup=primary\n");
    return r == 0 ? text_appendf(text, "TimeoutStopSec=%" PRIu64 "\n", seconds) : r;
}

static int write_keeping(struct text *text, const struct service_request *request)
{
    const char *app = request->origin.app;
    int r = text_appendf(text, keeping, app);

    if (r == 0 && request->spec->policy.workers > WORKERS_OF_USUAL_LIMIT)
        r = text_append_string(text, many_files);
    /* StateDirectory= of a user's manager is in ~/.config before systemd 254: the primary makes
     * its own in $XDG_STATE_HOME. */
    if (r == 0 && !request->of_user)
        r = text_appendf(text, state, app);
    return r == 0 ? text_appendf(text, "SyslogIdentifier=%s\n", app) : r;
}

static int write_rights(struct text *text, const struct service_request *request)
{
    const struct spec *spec = request->spec;
    int r = spec->harden ? text_append_string(text, harden_any) : 0;

    if (r < 0 || request->of_user)
        return r;
    if (!spec->harden)
        return text_append_string(text, capabilities);
    r = text_append_string(text, harden_system);
    if (r == 0 && !spec->drain_polite_off)
        r = text_append_string(text, harden_polite);
    return r == 0 ? text_append_string(text, "\n") : r;
}

int service_write(struct text *text, const struct service_request *request)
{
    int r = write_unit_section(text, request);

    if (r == 0)
        r = text_append_string(text, "\n[Service]\nType=notify\nNotifyAccess=main\n");
    if (r == 0)
        r = write_commands(text, request);
    if (r == 0)
        r = write_sockets(text, request->sockets);
    if (r == 0)
        r = write_life(text, request);
    if (r == 0)
        r = write_keeping(text, request);
    return r == 0 ? write_rights(text, request) : r;
}
