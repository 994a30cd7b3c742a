#include "reloadd/ask.h"

#include "base/error.h"
#include "loop/descriptor.h"
#include "loop/timer.h"
#include "os/accepted.h"
#include "wire/http_answer.h"

#include <string.h>

/* How often it is asked of the kernel whether the program has accepted. */
#define LOOK_PAUSE span_from_ms(5)

enum {
    PIECE_SIZE = 4096,
    PIECES_AT_ONCE = 16,  /* before others have their turn */
    ANSWER_MAX = 1 << 16, /* bytes; of a longer one, the status counts */
};

struct ask {
    struct loop *loop;
    const struct steering_probe_ends *ends;
    char *request;
    struct http_answer *answer; /* NULL: none is expected */
    size_t received;
    struct descriptor *watch;
    struct timer *timer;
    struct instant deadline;
    int error;   /* of connect(2); it is told by the timer */
    bool looked; /* connected, with the program yet to accept */
    void (*answered)(void *user, const struct ask_answer *answer);
    void *user;
};

void ask_free(struct ask *ask)
{
    if (!ask)
        return;
    descriptor_unwatch(ask->watch);
    timer_free(ask->timer);
    http_answer_free(ask->answer);
    free(ask->request);
    free(ask);
}

static void cleanup_ask(struct ask **ask)
{
    ask_free(*ask);
}

/* The last thing that is done with it, for it may be freed by whom it tells. */
static void tell(struct ask *ask, int error, int status)
{
    struct ask_answer answer = {.error = error, .status = status};

    descriptor_unwatch(ask->watch);
    ask->watch = NULL;
    timer_set(ask->timer, INSTANT_NEVER);
    ask->answered(ask->user, &answer);
}

/* Reads what has come. Returns 0 where more is to come, 1 where the answer is whole, or
 * -errno. */
static int read_answer(struct ask *ask)
{
    char piece[PIECE_SIZE];

    for (int i = 0; i < PIECES_AT_ONCE; i++) {
        ssize_t n = recv(ask->ends->fd, piece, sizeof(piece), MSG_DONTWAIT);
        int r;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n < 0)
            return error_from_errno();
        r = http_answer_feed(ask->answer, piece, (size_t)n);
        if (r != 0)
            return r;
        ask->received += (size_t)n;
        if (ask->received > ANSWER_MAX)
            return http_answer_status(ask->answer) > 0 ? 1 : -EBADMSG;
    }
    return 0;
}

/* Something came, or the end of the connection, which only who has accepted it can send; but
 * the kernel resets one that is never accepted. Returns as read_answer(). */
static int read_sign(const struct ask *ask)
{
    char byte;
    ssize_t n = recv(ask->ends->fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_PEEK);

    if (n >= 0)
        return 1;
    return errno == EAGAIN || errno == EINTR ? 0 : error_from_errno();
}

static int look(const struct ask *ask)
{
    bool accepted = false;
    int r = read_sign(ask);

    if (r != 0 || !ask->looked)
        return r;
    r = accepted_look(&ask->ends->from, &ask->ends->to, &accepted);
    if (r == 1) /* it has ended since */
        return read_sign(ask);
    return r < 0 ? r : accepted;
}

/* Returns whether it was told, and may be gone. */
static bool take_turn(struct ask *ask)
{
    int r = ask->answer ? read_answer(ask) : look(ask);

    if (r == 0)
        return false;
    tell(ask, r < 0 ? -r : 0, r > 0 && ask->answer ? http_answer_status(ask->answer) : 0);
    return true;
}

static void on_readable(void *user, int fd)
{
    (void)fd;
    (void)take_turn(user);
}

static void set_timer(struct ask *ask)
{
    struct instant next = ask->deadline;

    if (ask->looked)
        next = instant_earlier(next, instant_plus(loop_now(ask->loop), LOOK_PAUSE));
    timer_set(ask->timer, next);
}

/* What came while this primary was late still counts. */
static void on_time(void *user)
{
    struct ask *ask = user;

    if (ask->error != 0) {
        tell(ask, ask->error, 0);
        return;
    }
    if (ask->watch && take_turn(ask))
        return;
    if (instant_reached(loop_now(ask->loop), ask->deadline))
        tell(ask, ETIMEDOUT, 0);
    else
        set_timer(ask);
}

/* Connected: the request goes out whole, for it is shorter than any send buffer. */
static int begin_conversation(struct ask *ask, int fd)
{
    size_t size = ask->request ? strlen(ask->request) : 0;
    ssize_t n = size > 0 ? send(fd, ask->request, size, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

    if (n < 0)
        return error_from_errno();
    if ((size_t)n != size)
        return -EMSGSIZE;
    descriptor_unwatch(ask->watch);
    ask->watch = NULL;
    ask->looked = !ask->answer;
    set_timer(ask);
    return descriptor_watch(ask->loop, fd, on_readable, ask, &ask->watch);
}

static void on_connected(void *user, int fd)
{
    struct ask *ask = user;
    socklen_t size = sizeof(int);
    int error = 0;
    int r;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    r = error != 0 ? -error : begin_conversation(ask, fd);
    if (r < 0)
        tell(ask, -r, 0);
}

static int connect_ends(struct ask *ask)
{
    const struct steering_probe_ends *ends = ask->ends;
    const struct sockaddr *to = (const struct sockaddr *)(const void *)&ends->to;

    if (connect(ends->fd, to, ends->size) < 0 && errno != EINPROGRESS) {
        ask->error = errno;
        timer_set(ask->timer, loop_now(ask->loop));
        return 0;
    }
    timer_set(ask->timer, ask->deadline);
    return descriptor_watch_writable(ask->loop, ends->fd, on_connected, ask, &ask->watch);
}

int ask_start(struct loop *loop, const struct ask_question *question,
              void (*answered)(void *user, const struct ask_answer *answer), void *user,
              struct ask **ret_ask)
{
    _cleanup_(cleanup_ask) struct ask *ask = calloc(1, sizeof(*ask));
    int r;

    if (!ask)
        return -ENOMEM;
    *ask = (struct ask){
        .loop = loop,
        .ends = question->ends,
        .deadline = instant_plus(loop_now(loop), question->patience),
        .answered = answered,
        .user = user,
    };
    if (question->request) {
        ask->request = strdup(question->request);
        r = ask->request ? http_answer_new(&ask->answer) : -ENOMEM;
        if (r < 0)
            return r;
    }
    r = timer_new(loop, on_time, ask, &ask->timer);
    if (r == 0)
        r = connect_ends(ask);
    if (r == 0)
        *ret_ask = take_ptr(ask);
    return r;
}
