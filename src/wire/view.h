/* What a primary says of itself, as plain structs: the types of docs/io.reloadd.varlink, member
 * by member (a test compares them). wire/present.h writes them, wire/reply.h reads them.
 *
 * A view borrows everything: who fills one keeps what it points to until it is written; what a
 * reply fills is valid as long as the reply. Strings that may be absent are NULL then, pointers
 * too; all other strings must not be NULL. Times are seconds since the epoch, spans seconds.
 */
#pragma once

#include "core/reason.h"
#include "wire/optional.h"

#include <stddef.h>

struct listener_view {
    const char *name;
    const char *address;
    const char *source;
    const char *differs;        /* may be NULL: it is as the configuration has it */
    const char *dispatch;       /* may be NULL: from a primary that does not say */
    const char *shared_because; /* may be NULL */
};

struct failure_view {
    const char *cause;
    const char *text;
    struct optional_int code;
    const char *signal; /* may be NULL */
    struct optional_int worker;
    struct optional_int slot;
    struct optional_int revision;
    const char *const *lines; /* may be NULL: not known */
    size_t line_n;
};

/* Of a worker (os/connections.h). */
struct connections_view {
    int64_t open;
    int64_t active;
    int64_t idle;
    struct optional_int queued; /* absent: its queue is not its own */
    struct optional_float oldest_seconds;
    int64_t unread_bytes;
    int64_t unsent_bytes;
    struct optional_int told;
    struct optional_int left;
    struct optional_int unsure;
    struct optional_int untold;
};

struct worker_view {
    int64_t id;
    int64_t slot;
    int64_t revision;
    const char *release; /* may be NULL */
    const char *state;
    int64_t pid;
    double since;
    double started;
    const char *waits_for; /* may be NULL */
    struct optional_int memory_bytes;
    const char *status; /* may be NULL */
    bool adopted;
    const char *expired; /* may be NULL */
    const char *probe;   /* may be NULL */
    struct optional_float asked;
    const char *log_identifier; /* may be NULL */
    struct optional_int lane;
    const struct connections_view *connections; /* may be NULL: not known */
    const char *delivery;                       /* may be NULL */
};

struct slot_view {
    int64_t slot;
    const char *state;
    int64_t failures;
    bool crash_loop;
    struct optional_float retry;
    const struct failure_view *last; /* may be NULL */
};

struct rollout_view {
    const char *state;
    double since;
    int64_t stable;
    int64_t target;
    struct optional_int trial;
    const char *waits_for; /* may be NULL */
    const int64_t *queued;
    size_t queued_n;
    const struct failure_view *failure; /* may be NULL */
};

struct outcome_view {
    int64_t revision;
    const char *release; /* may be NULL */
    const char *outcome;
    double at;
    double seconds;
    const struct failure_view *failure; /* may be NULL */
    struct optional_int cut;
};

struct recovered_view {
    double at;
    int64_t adopted;
    int64_t vanished;
    int64_t found;
};

struct app_view {
    const char *name;
    int64_t pid;
    const char *version;
    const char *config; /* may be NULL */
    double started;
    int64_t desired;
    int64_t admitted;
    struct optional_int scale;
    const char *delivery;
    const char *dispatch;
    int64_t revision;
    const char *release; /* may be NULL */
    struct rollout_view rollout;
    const struct listener_view *listeners;
    size_t listener_n;
    const struct slot_view *slots;
    size_t slot_n;
    const struct worker_view *workers;
    size_t worker_n;
    const struct outcome_view *last; /* may be NULL */
    const char *const *warnings;
    size_t warning_n;
    struct optional_int newest;
    bool survives;
    const char *survives_not;               /* may be NULL */
    const struct recovered_view *recovered; /* may be NULL */
    const char *limits_missing;             /* may be NULL */
    struct optional_float fairness;
    bool polite;
    const char *polite_not; /* may be NULL */
};

struct entry_view {
    int64_t revision;
    const char *release; /* may be NULL */
    const char *outcome;
    double accepted;
    struct optional_float ended;
    const struct failure_view *failure; /* may be NULL */
    const char *const *exec;
    size_t exec_n;
    const char *working_directory;
    const char *executable;
    bool stable;
};

struct step_view {
    int64_t worker;
    int64_t slot;
    int64_t revision;
    const char *state;
    int64_t pid;
    double at;
    const struct failure_view *failure;         /* may be NULL */
    const struct connections_view *connections; /* may be NULL */
};

struct line_view {
    double at;
    const char *text;
    struct optional_int slot;
    struct optional_int revision;
    struct optional_int worker;
    const char *source; /* may be NULL */
};

/* What the methods answer. */

struct status_view {
    struct app_view app;
};

/* Of Reload and Follow. */
struct progress_view {
    int64_t revision;
    const struct step_view *step;       /* may be NULL */
    const struct outcome_view *outcome; /* may be NULL; there: this is the last reply */
};

struct scale_view {
    int64_t desired;
    int64_t before;
};

struct logs_view {
    const struct line_view *lines;
    size_t line_n;
};

struct history_view {
    const struct entry_view *revisions;
    size_t revision_n;
};

struct info_view {
    const char *vendor;
    const char *product;
    const char *version;
    const char *url;
    const char *const *interfaces;
    size_t interface_n;
};

struct description_view {
    const char *description;
};

/* The errors a primary answers with. */
enum error_kind {
    ERROR_NONE,
    ERROR_CONFIG_INVALID, /* messages */
    ERROR_CHECK_FAILED,   /* text, lines */
    ERROR_BUSY,           /* revision, text */
    ERROR_STOPPING,
    ERROR_JOURNAL_FAILED,         /* text */
    ERROR_NO_SUCH_REVISION,       /* revision */
    ERROR_NOT_ALLOWED,            /* text */
    ERROR_UPGRADE_REFUSED,        /* text */
    ERROR_INTERFACE_NOT_FOUND,    /* interface */
    ERROR_METHOD_NOT_FOUND,       /* method */
    ERROR_METHOD_NOT_IMPLEMENTED, /* method */
    ERROR_INVALID_PARAMETER,      /* parameter */
    ERROR_EXPECTED_MORE,          /* the method only makes sense with "more" */
    ERROR_UNKNOWN,                /* for who reads: written by a newer reloadd; name */
    ERROR_N,
};

/* An error with the members its kind has. The full name is ERROR_UNKNOWN's only input, and
 * there for the reader of every other. */
struct error_view {
    enum error_kind kind;
    const char *name; /* "io.reloadd.Busy" */
    const char *text;
    const char *const *messages;
    size_t message_n;
    const char *const *lines;
    size_t line_n;
    int64_t revision;
    const char *interface;
    const char *method;
    const char *parameter;
};

/* `reason` as a view: its cause's name, its code (exit status, signal or errno) where it has
 * one, the signal's name, and whom it is about. `text` (reason_describe()) and `lines` (may be
 * NULL) are borrowed. Returns false, and leaves *ret_failure alone, where there is no reason.
 */
bool failure_view_fill(const struct reason *reason, const char *text, const char *const *lines,
                       size_t line_n, struct failure_view *ret_failure);

/* The full name of an error, such as "io.reloadd.Busy"; "" of NONE and UNKNOWN. Static. */
const char *error_kind_name(enum error_kind kind);
