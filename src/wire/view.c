#include "wire/view.h"

#include <signal.h>

/* The signals that end or stop a process somewhere in a server's life; a real-time signal has
 * no name of its own and is told by its number. */
static const char *const signal_names[] = {
    [SIGHUP] = "SIGHUP",       [SIGINT] = "SIGINT",   [SIGQUIT] = "SIGQUIT",
    [SIGILL] = "SIGILL",       [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT",
    [SIGBUS] = "SIGBUS",       [SIGFPE] = "SIGFPE",   [SIGKILL] = "SIGKILL",
    [SIGUSR1] = "SIGUSR1",     [SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
    [SIGPIPE] = "SIGPIPE",     [SIGALRM] = "SIGALRM", [SIGTERM] = "SIGTERM",
    [SIGSTKFLT] = "SIGSTKFLT", [SIGXCPU] = "SIGXCPU", [SIGXFSZ] = "SIGXFSZ",
    [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF", [SIGIO] = "SIGIO",
    [SIGPWR] = "SIGPWR",       [SIGSYS] = "SIGSYS",
};

static const char *signal_name(int32_t number)
{
    if (number <= 0 || (size_t)number >= sizeof(signal_names) / sizeof(signal_names[0]))
        return NULL;
    return signal_names[number];
}

bool failure_view_fill(const struct reason *reason, const char *text, const char *const *lines,
                       size_t line_n, struct failure_view *ret_failure)
{
    bool has_code = reason->cause == CAUSE_EXITED || reason->cause == CAUSE_SIGNALED ||
                    reason->cause == CAUSE_SPAWN_FAILED || reason->cause == CAUSE_UNHEALTHY ||
                    reason->cause == CAUSE_UNANSWERED;

    if (reason->cause == CAUSE_NONE)
        return false;
    *ret_failure = (struct failure_view){
        .cause = cause_name(reason->cause),
        .text = text,
        .lines = lines,
        .line_n = line_n,
    };
    if (has_code)
        ret_failure->code = optional_int(reason->code);
    if (reason->cause == CAUSE_SIGNALED)
        ret_failure->signal = signal_name(reason->code);
    if (reason->worker != 0) {
        ret_failure->worker = optional_int((int64_t)reason->worker);
        ret_failure->slot = optional_int(reason->slot);
    }
    if (reason->revision != 0)
        ret_failure->revision = optional_int((int64_t)reason->revision);
    return true;
}
