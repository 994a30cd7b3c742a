/* A talk with the primary of one app: calls as structs, replies decoded, and what goes wrong
 * said in words with the exit code that it means.
 */
#pragma once

#include "reloadctl/client.h"
#include "reloadctl/exit_code.h"
#include "reloadctl/options.h"
#include "reloadctl/target.h"
#include "wire/reply.h"

/* Beside what client_receive() returns. */
enum {
    TALK_GARBAGE = 16, /* what came is no reply; the reason is in `fault` */
    TALK_ERROR = 17,   /* the reply is an error */
};

/* Zeroed: neither target nor connection. */
struct conversation {
    struct target target;
    struct client client;
    struct reply *reply; /* the last one */
    struct fault fault;
    struct error_view error; /* of the reply, after TALK_ERROR */
    struct instant deadline; /* of the whole talk */
    bool deadline_is_chosen; /* by --timeout: to reach it is exit code 6, else 3 */
    bool wants_json;
    struct span pause; /* before the next attempt of talk_await(); 0: the first one's */
};

/* Finds the app. Without --timeout the talk takes `limit` at most. Returns 0, or the exit code
 * (positive) after a complaint. Release it in either case. */
MUST_CHECK int talk_find(struct conversation *talk, const char *app,
                         const struct options *options, struct span limit);

/* The same, and connects. */
MUST_CHECK int talk_open(struct conversation *talk, const char *app,
                         const struct options *options, struct span limit);

/* Leaves the connection, if there is one, and makes another. */
enum reach talk_reconnect(struct conversation *talk, int *ret_error);

/* Waits until the primary can be reached, and connects. Tries ever more seldom, four times a
 * second at last, also from call to call, until `pause` is zeroed. Returns 0, or CLIENT_TIMEOUT
 * at the earlier of `limit` and the talk's own deadline. */
MUST_CHECK int talk_await(struct conversation *talk, struct instant limit);

/* A second connection to the app that `other` talks to, silent in every failure, done within a
 * few seconds. Returns 0 or 1. Release it in either case. */
MUST_CHECK int talk_open_beside(struct conversation *talk, const struct conversation *other);

void talk_release(struct conversation *talk);

/* Sends a call; returns as client_send() does. */
MUST_CHECK int talk_send(struct conversation *talk, const struct varlink_call *call);

/* Waits for the next reply, until `deadline` or the talk's own. Returns 0, TALK_ERROR, or what
 * talk_explain() takes. */
MUST_CHECK int talk_receive(struct conversation *talk, struct instant deadline);

/* Both of them. */
MUST_CHECK int talk_ask(struct conversation *talk, const struct varlink_call *call);

/* Asks how the app is. *ret_app is borrowed from the reply. Returns as talk_receive() does. */
MUST_CHECK int talk_ask_status(struct conversation *talk, struct app_view *ret_app);

/* Says on stderr what a return other than 0 means, and gives its exit code. Error replies are
 * written to stdout too where JSON is wanted. */
enum exit_code talk_explain(struct conversation *talk, int result);

/* Whether `result` is a hang-up. */
static inline bool talk_is_cut(int result)
{
    return result == CLIENT_CLOSED || result == CLIENT_CUT;
}

/* Writes the reply's parameters, or the member of that name, to stdout as one line (several
 * lines on a terminal, unless `is_line`). Returns 0 or the exit code (positive) after a
 * complaint.
 */
MUST_CHECK int talk_write_json(struct conversation *talk, const char *member, bool is_line);
