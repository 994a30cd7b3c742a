#include "core/trace.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text being written into a caller's buffer; what does not fit is cut. */
struct line {
    char *text;
    size_t size;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void line_add(struct line *line,
                                                           const char *format, ...)
{
    va_list arguments;
    int n;

    if (line->used + 1 >= line->size)
        return;
    va_start(arguments, format);
    n = vsnprintf(line->text + line->used, line->size - line->used, format, arguments);
    va_end(arguments);
    if (n > 0)
        line->used =
            line->used + (size_t)n < line->size ? line->used + (size_t)n : line->size - 1;
}

static void add_who(struct line *line, const struct reason *reason)
{
    if (reason->worker != 0)
        line_add(line, "worker %llu (slot %u, revision %llu) ",
                 (unsigned long long)reason->worker, reason->slot,
                 (unsigned long long)reason->revision);
}

static void add_primary(struct line *line, const struct reason *reason)
{
    add_who(line, reason);
    line_add(line, reason->worker != 0 ? "was being started when the primary ended"
                                       : "the primary ended before the rollout did");
}

/* Causes that need no more than a sentence. */
static const char *const sentences[CAUSE_N] = {
    [CAUSE_NONE] = "no reason",
    [CAUSE_NO_PROGRESS] = "no progress within progress_deadline_seconds",
    [CAUSE_STOPPED] = "the app was stopped",
};

/* The same, of a worker. */
static const char *const predicates[CAUSE_N] = {
    [CAUSE_OOM_KILLED] = "was ended by the kernel's OOM killer",
    [CAUSE_VANISHED] = "ended, and its exit status is not known",
    [CAUSE_NOT_READY] = "was not ready in time",
    [CAUSE_WATCHDOG] = "missed its watchdog",
    [CAUSE_AGE] = "is as old as recycle.max_age_seconds allows",
    [CAUSE_MEMORY] = "uses more than recycle.memory_bytes",
};

static const char *or_unknown(const char *name)
{
    return name ? name : "unknown error";
}

const char *probe_describe(const struct reason *reason, char *text, size_t size)
{
    static const struct {
        int error;
        const char *words;
    } faults[] = {
        {ETIMEDOUT, "no answer in time"},
        {EBADMSG, "its answer is not HTTP"},
        {ENODATA, "its answer broke off"},
        {EDESTADDRREQ, "the app has no TCP listener to ask it over"},
        {EOPNOTSUPP, "its listener is shared, so that no connection can be sent to it alone; "
                     "readiness.type auto or notify needs none"},
    };
    const char *words = strerrordesc_np(reason->code);

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (reason->code == faults[i].error)
            words = faults[i].words;
    if (reason->cause == CAUSE_UNHEALTHY)
        (void)snprintf(text, size, "answered %d", reason->code);
    else
        (void)snprintf(text, size, "%s", or_unknown(words));
    return text;
}

static void add_probe(struct line *line, const struct reason *reason)
{
    char text[160];

    add_who(line, reason);
    line_add(line, "failed its probe: %s", probe_describe(reason, text, sizeof(text)));
}

static void add_reason(struct line *line, const struct reason *reason)
{
    unsigned long long revision = reason->revision;

    if (reason->cause >= CAUSE_N) {
        line_add(line, "unknown reason");
    } else if (sentences[reason->cause]) {
        line_add(line, "%s", sentences[reason->cause]);
    } else if (predicates[reason->cause]) {
        add_who(line, reason);
        line_add(line, "%s", predicates[reason->cause]);
    } else if (reason->cause == CAUSE_PRIMARY) {
        add_primary(line, reason);
    } else if (reason->cause == CAUSE_EXITED) {
        add_who(line, reason);
        line_add(line, "exited with status %d", reason->code);
    } else if (reason->cause == CAUSE_SIGNALED) {
        const char *name = sigabbrev_np(reason->code);

        add_who(line, reason);
        line_add(line, "was ended by SIG%s", name ? name : "?");
    } else if (reason->cause == CAUSE_SPAWN_FAILED) {
        add_who(line, reason);
        line_add(line, "could not be started: %s", or_unknown(strerrordesc_np(reason->code)));
    } else if (reason->cause == CAUSE_UNHEALTHY || reason->cause == CAUSE_UNANSWERED) {
        add_probe(line, reason);
    } else if (reason->cause == CAUSE_SUPERSEDED) {
        line_add(line, "superseded by revision %llu", revision);
    } else if (reason->cause == CAUSE_BUSY) {
        line_add(line, "the rollout of revision %llu is under way", revision);
    } else {
        line_add(line, "the state journal can't be written");
        if (reason->code != 0)
            line_add(line, ": %s", or_unknown(strerrordesc_np(reason->code)));
    }
}

const char *reason_describe(const struct reason *reason, char *text, size_t size)
{
    struct line line = {text, size, 0};

    if (size > 0)
        text[0] = '\0';
    add_reason(&line, reason);
    return text;
}

static void add_subject(struct line *line, const struct record *record)
{
    uint32_t fields = record_fields(record->kind);

    if (fields & FIELD_WORKER)
        line_add(line, "worker %llu: ", (unsigned long long)record->worker);
    else if (fields & FIELD_SLOT)
        line_add(line, "slot %u: ", record->slot);
    else if (fields & FIELD_REVISION)
        line_add(line, "revision %llu: ", (unsigned long long)record->revision);
}

static void add_details(struct line *line, const struct record *record)
{
    uint32_t fields = record_fields(record->kind);

    if (record->kind == RECORD_WORKER_STARTED || record->kind == RECORD_WORKER_FOUND)
        line_add(line, ", slot %u, revision %llu", record->slot,
                 (unsigned long long)record->revision);
    if (fields & FIELD_PID)
        line_add(line, ", pid %d", record->pid);
    if (fields & FIELD_OUTCOME)
        line_add(line, ", %s", outcome_name(record->outcome));
    if (record->kind == RECORD_SCALED)
        line_add(line, " to %u", record->workers);
    if (record->kind == RECORD_WORKER_WATCHDOG)
        line_add(line, " of %llu ms", (unsigned long long)span_to_ms(record->watchdog));
    if (record->kind == RECORD_SLOT_WAITING)
        line_add(line, " for %llu ms after %u %s",
                 (unsigned long long)span_to_ms(instant_since(record->deadline, record->at)),
                 record->failures, record->failures == 1 ? "failure" : "failures");
    if ((fields & FIELD_REASON) && record->reason.cause != CAUSE_NONE) {
        line_add(line, ": ");
        add_reason(line, &record->reason);
    }
}

const char *record_describe(const struct record *record, char *text, size_t size)
{
    struct line line = {text, size, 0};
    const char *name = record_name(record->kind);
    const char *verb = strchr(name, '_');
    bool subject = record_fields(record->kind) & (FIELD_WORKER | FIELD_SLOT | FIELD_REVISION);

    if (size > 0)
        text[0] = '\0';
    add_subject(&line, record);
    line_add(&line, "%s", subject && verb && record->kind < RECORD_SNAPSHOT ? verb + 1 : name);
    add_details(&line, record);
    return text;
}
