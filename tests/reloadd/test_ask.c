/* One question, asked of a server in this very process, on the same loop: it answers well,
 * badly, slowly, with anything, or not at all. */
#include "reloadd/ask.h"

#include "loop/descriptor.h"
#include "loop/timer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define REQUEST "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

struct fixture {
    struct loop *loop;
    struct steering_probe_ends ends;
    int listener;
    int connection; /* as the server has it; -1: not accepted */
    struct descriptor *watch;
    struct descriptor *reading;
    struct timer *guard;
    const char *answer; /* NULL: it says nothing */
    size_t told;        /* bytes of the answer that it has sent */
    size_t piece;       /* sends so many at once */
    bool closes;        /* after its answer, or at once where it has none */
    bool resets;
    char request[256];
    size_t request_n;
    struct ask *ask;
    unsigned answers;
    struct ask_answer last;
};

static void on_guard(void *user)
{
    (void)user;
    fail_msg("no answer within 20 s");
}

static int open_listener(int family, struct steering_probe_ends *ends)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const void *address = family == AF_INET ? (const void *)&v4 : (const void *)&v6;
    socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, address, size), 0);
    assert_int_equal(listen(fd, 16), 0);
    ends->size = size;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&ends->to, &size), 0);
    ends->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(ends->fd >= 0);
    assert_int_equal(bind(ends->fd, address, ends->size), 0);
    size = sizeof(ends->from);
    assert_int_equal(getsockname(ends->fd, (struct sockaddr *)&ends->from, &size), 0);
    return fd;
}

static void begin(struct fixture *fixture, int family)
{
    *fixture = (struct fixture){.connection = -1, .piece = 4096};
    assert_int_equal(loop_new(&fixture->loop), 0);
    fixture->listener = open_listener(family, &fixture->ends);
    assert_int_equal(timer_new(fixture->loop, on_guard, fixture, &fixture->guard), 0);
    timer_set(fixture->guard, instant_plus(loop_now(fixture->loop), span_from_ms(20000)));
}

static void end(struct fixture *fixture)
{
    ask_free(fixture->ask);
    descriptor_unwatch(fixture->reading);
    descriptor_unwatch(fixture->watch);
    timer_free(fixture->guard);
    (void)close(fixture->ends.fd);
    (void)close(fixture->listener);
    if (fixture->connection >= 0)
        (void)close(fixture->connection);
    loop_free(fixture->loop);
}

static void hang_up(struct fixture *fixture)
{
    struct linger linger = {.l_onoff = fixture->resets};

    descriptor_unwatch(fixture->reading);
    fixture->reading = NULL;
    assert_int_equal(
        setsockopt(fixture->connection, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(close(fixture->connection), 0);
    fixture->connection = -1;
}

/* A piece of the answer at each turn. */
static void on_writable(void *user, int fd)
{
    struct fixture *fixture = user;
    size_t left = strlen(fixture->answer) - fixture->told;
    size_t n = left < fixture->piece ? left : fixture->piece;

    ssize_t sent = n > 0 ? send(fd, fixture->answer + fixture->told, n, MSG_NOSIGNAL) : 0;

    fixture->told += sent > 0 ? (size_t)sent : 0;
    if (fixture->told < strlen(fixture->answer))
        return;
    if (fixture->closes)
        hang_up(fixture);
    descriptor_unwatch(fixture->reading);
    fixture->reading = NULL;
}

static void on_request(void *user, int fd)
{
    struct fixture *fixture = user;
    ssize_t n = recv(fd, fixture->request + fixture->request_n,
                     sizeof(fixture->request) - 1 - fixture->request_n, 0);

    fixture->request_n += n > 0 ? (size_t)n : 0;
    descriptor_unwatch(fixture->reading);
    fixture->reading = NULL;
    if (fixture->answer)
        assert_int_equal(descriptor_watch_writable(fixture->loop, fd, on_writable, fixture,
                                                   &fixture->reading),
                         0);
}

static void on_connection(void *user, int fd)
{
    struct fixture *fixture = user;

    fixture->connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    assert_true(fixture->connection >= 0);
    if (fixture->closes && !fixture->answer)
        hang_up(fixture);
    else
        assert_int_equal(descriptor_watch(fixture->loop, fixture->connection, on_request,
                                          fixture, &fixture->reading),
                         0);
}

static void on_answered(void *user, const struct ask_answer *answer)
{
    struct fixture *fixture = user;

    fixture->answers++;
    fixture->last = *answer;
    ask_free(fixture->ask); /* lawful here */
    fixture->ask = NULL;
    loop_stop(fixture->loop);
}

static void serve(struct fixture *fixture)
{
    assert_int_equal(descriptor_watch(fixture->loop, fixture->listener, on_connection, fixture,
                                      &fixture->watch),
                     0);
}

static void ask(struct fixture *fixture, const char *request, uint64_t milliseconds)
{
    struct ask_question question = {
        .ends = &fixture->ends, .request = request, .patience = span_from_ms(milliseconds)};

    assert_int_equal(ask_start(fixture->loop, &question, on_answered, fixture, &fixture->ask),
                     0);
    assert_int_equal(fixture->answers, 0); /* never from within */
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_int_equal(fixture->answers, 1);
}

static void expect_answer(const struct fixture *fixture, int error, int status)
{
    assert_int_equal(fixture->last.error, error);
    assert_int_equal(fixture->last.status, status);
}

/* Asks a server that answers so, in pieces of so many bytes. */
static void expect_http(const char *answer, size_t piece, bool closes, int error, int status)
{
    struct fixture fixture;

    begin(&fixture, AF_INET);
    fixture.answer = answer;
    fixture.piece = piece;
    fixture.closes = closes;
    serve(&fixture);
    ask(&fixture, REQUEST, 10000);
    expect_answer(&fixture, error, status);
    assert_string_equal(fixture.request, REQUEST);
    end(&fixture);
}

static void http_answer_gives_its_status(void **state)
{
    (void)state;
    expect_http("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 4096, false, 0, 200);
    expect_http("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 4096, true, 0, 500);
    expect_http("HTTP/1.0 200 OK\r\n\r\nuntil the end", 4096, true, 0, 200);
}

static void http_answer_byte_by_byte_gives_its_status(void **state)
{
    (void)state;
    expect_http("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 1, false, 0, 200);
}

static void http_garbage_is_no_answer(void **state)
{
    (void)state;
    expect_http("* OK IMAP4rev1 ready\r\n", 4096, false, EBADMSG, 0);
    expect_http("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", 4096, true, ENODATA, 0);
}

/* The head, and then no end of it. The caller's. */
static char *endless(const char *head)
{
    enum { SIZE = 200000 };
    char *answer = malloc(SIZE + 1);
    size_t n = strlen(head);

    assert_non_null(answer);
    memcpy(answer, head, n);
    memset(answer + n, 'x', SIZE - n);
    answer[SIZE] = '\0';
    return answer;
}

static void http_answer_without_end_counts_by_its_status(void **state)
{
    char *answer = endless("HTTP/1.1 200 OK\r\n\r\n");

    (void)state;
    expect_http(answer, 8192, false, 0, 200);
    free(answer);
}

static void http_head_without_end_is_no_answer(void **state)
{
    char *answer = endless("HTTP/1.1 200 OK\r\nA: ");

    (void)state;
    expect_http(answer, 8192, false, EBADMSG, 0);
    free(answer);
}

static void http_server_that_says_nothing_is_out_of_time(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, AF_INET);
    serve(&fixture);
    ask(&fixture, REQUEST, 50);
    expect_answer(&fixture, ETIMEDOUT, 0);
    end(&fixture);
}

static void http_server_that_hangs_up_has_not_answered(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, AF_INET);
    fixture.closes = true;
    serve(&fixture);
    ask(&fixture, REQUEST, 10000);
    /* Closed before it has read: its kernel may answer our request with a reset. */
    assert_true(fixture.last.error == ENODATA || fixture.last.error == ECONNRESET ||
                fixture.last.error == EPIPE);
    end(&fixture);
}

static void question_to_a_closed_port_is_refused(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, AF_INET);
    assert_int_equal(close(fixture.listener), 0);
    fixture.listener = -1;
    ask(&fixture, REQUEST, 10000);
    expect_answer(&fixture, ECONNREFUSED, 0);
    end(&fixture);
}

static void tcp_is_answered_when_it_is_accepted(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;

        begin(&fixture, families[i]);
        serve(&fixture);
        ask(&fixture, NULL, 10000);
        expect_answer(&fixture, 0, 0);
        end(&fixture);
    }
}

static void tcp_that_only_the_kernel_answers_is_out_of_time(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;

        begin(&fixture, families[i]);
        ask(&fixture, NULL, 100);
        expect_answer(&fixture, ETIMEDOUT, 0);
        end(&fixture);
    }
}

static void tcp_that_is_accepted_and_closed_is_answered(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, AF_INET);
    fixture.closes = true;
    serve(&fixture);
    ask(&fixture, NULL, 10000);
    expect_answer(&fixture, 0, 0);
    end(&fixture);
}

static void tcp_that_is_reset_is_not_answered(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, AF_INET);
    fixture.closes = true;
    fixture.resets = true;
    serve(&fixture);
    ask(&fixture, NULL, 10000);
    expect_answer(&fixture, ECONNRESET, 0);
    end(&fixture);
}

static void free_while_it_is_asked_tells_nothing(void **state)
{
    struct fixture fixture;
    struct ask_question question = {.request = REQUEST, .patience = span_from_ms(10000)};

    (void)state;
    begin(&fixture, AF_INET);
    question.ends = &fixture.ends;
    assert_int_equal(ask_start(fixture.loop, &question, on_answered, &fixture, &fixture.ask),
                     0);
    end(&fixture);
    assert_int_equal(fixture.answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_answer_gives_its_status),
        cmocka_unit_test(http_answer_byte_by_byte_gives_its_status),
        cmocka_unit_test(http_garbage_is_no_answer),
        cmocka_unit_test(http_answer_without_end_counts_by_its_status),
        cmocka_unit_test(http_head_without_end_is_no_answer),
        cmocka_unit_test(http_server_that_says_nothing_is_out_of_time),
        cmocka_unit_test(http_server_that_hangs_up_has_not_answered),
        cmocka_unit_test(question_to_a_closed_port_is_refused),
        cmocka_unit_test(tcp_is_answered_when_it_is_accepted),
        cmocka_unit_test(tcp_that_only_the_kernel_answers_is_out_of_time),
        cmocka_unit_test(tcp_that_is_accepted_and_closed_is_answered),
        cmocka_unit_test(tcp_that_is_reset_is_not_answered),
        cmocka_unit_test(free_while_it_is_asked_tells_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
