/* Varlink calls of the interface io.reloadd: the requests, both ways (varlink.org; the answers
 * are wire/present.h and wire/reply.h).
 *
 * Pure: framing (messages end with a NUL byte) is done where the bytes come from; here a
 * message is its text without the NUL. A call is judged whole before anybody acts on it:
 * unknown methods and parameters, wrong types and numbers out of range are refused, with the
 * answer to send.
 */
#pragma once

#include "base/own.h"
#include "core/event.h"
#include "wire/fault.h"
#include "wire/view.h"

enum method {
    METHOD_STATUS,
    METHOD_RELOAD, /* release, conflict */
    METHOD_FOLLOW, /* revision */
    METHOD_SCALE,  /* workers */
    METHOD_STOP,   /* hurry */
    METHOD_LOGS,   /* lines, slot, only_revision, since, follow */
    METHOD_HISTORY,
    METHOD_EVENTS,
    METHOD_UPGRADE,
    METHOD_GET_INFO,
    METHOD_GET_INTERFACE_DESCRIPTION, /* interface */
    METHOD_N,
};

enum {
    LOG_LINES_DEFAULT = 100,
    LOG_LINES_MAX = 100000,
};

/* A call, and of its parameters those that its method has. A zeroed call is a valid Status. */
struct varlink_call {
    enum method method;
    bool more;   /* several replies are welcome */
    bool oneway; /* no reply at all is wanted */

    char *release; /* owned; NULL: none */
    enum conflict conflict;
    uint64_t revision;
    uint32_t workers; /* 1 … SLOT_MAX */
    bool hurry;
    struct optional_int lines; /* 0 … LOG_LINES_MAX; absent: LOG_LINES_DEFAULT, so decoded */
    struct optional_int slot;  /* 0 … SLOT_MAX - 1; absent: all */
    struct optional_int only_revision; /* lines of its workers; absent: of all */
    struct optional_float since;       /* lines from then on; absent: whenever */
    bool follow;
    char *interface; /* owned */
};

void varlink_call_release(struct varlink_call *call);

enum {
    VARLINK_REFUSED = 1, /* a call, but not one to be followed: answer with the refusal */
    VARLINK_GARBAGE = 2, /* no call at all: hang up */
};

/* Why a call is refused: its answer, and the words that the answer borrows. */
struct varlink_refusal {
    enum error_kind kind;
    char subject[128]; /* the interface, method or parameter in question, cut to this size */
};

/* Reads the `size` bytes of a call. *ret_call is the caller's (varlink_call_release). Returns
 * 0, -ENOMEM, VARLINK_REFUSED with `ret_refusal` for present_refusal() (ret_call->oneway is
 * right then, the rest empty: nothing is sent to who wants nothing), or VARLINK_GARBAGE with
 * `ret_fault`. */
MUST_CHECK int varlink_call_decode(const char *text, size_t size, struct varlink_call *ret_call,
                                   struct varlink_refusal *ret_refusal,
                                   struct fault *ret_fault);

/* The text of a call, without NUL; *ret_text is the caller's (free). Returns 0 or -ENOMEM. */
MUST_CHECK int varlink_call_encode(const struct varlink_call *call, char **ret_text);

/* The full name, such as "io.reloadd.Status". Static. */
const char *method_name(enum method method);
