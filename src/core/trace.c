#include "core/trace.h"

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

static void add_reason(struct line *line, const struct reason *reason)
{
    const char *name;

    switch (reason->cause) {
    case CAUSE_NONE:
        line_add(line, "no reason");
        return;
    case CAUSE_EXITED:
        add_who(line, reason);
        line_add(line, "exited with status %d", reason->code);
        return;
    case CAUSE_SIGNALED:
        add_who(line, reason);
        name = sigabbrev_np(reason->code);
        line_add(line, "was ended by SIG%s", name ? name : "?");
        return;
    case CAUSE_VANISHED:
        add_who(line, reason);
        line_add(line, "ended, and its exit status is not known");
        return;
    case CAUSE_SPAWN_FAILED:
        add_who(line, reason);
        name = strerrordesc_np(reason->code);
        line_add(line, "could not be started: %s", name ? name : "unknown error");
        return;
    case CAUSE_NOT_READY:
        add_who(line, reason);
        line_add(line, "was not ready in time");
        return;
    case CAUSE_WATCHDOG:
        add_who(line, reason);
        line_add(line, "missed its watchdog");
        return;
    case CAUSE_NO_PROGRESS:
        line_add(line, "no progress within progress_deadline_seconds");
        return;
    case CAUSE_SUPERSEDED:
        line_add(line, "superseded by revision %llu", (unsigned long long)reason->revision);
        return;
    case CAUSE_BUSY:
        line_add(line, "the rollout of revision %llu is under way",
                 (unsigned long long)reason->revision);
        return;
    case CAUSE_STOPPED:
        line_add(line, "the app was stopped");
        return;
    case CAUSE_JOURNAL:
        line_add(line, "the state journal can't be written");
        return;
    case CAUSE_PRIMARY:
        line_add(line, "the primary ended before the rollout did");
        return;
    case CAUSE_N:
        break;
    }
    line_add(line, "unknown reason");
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

    if (record->kind == RECORD_WORKER_STARTED)
        line_add(line, ", slot %u, revision %llu", record->slot,
                 (unsigned long long)record->revision);
    if (fields & FIELD_PID)
        line_add(line, ", pid %d", record->pid);
    if (fields & FIELD_OUTCOME)
        line_add(line, ", %s", outcome_name(record->outcome));
    if (record->kind == RECORD_SCALED)
        line_add(line, " to %u", record->workers);
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
