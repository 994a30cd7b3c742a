#include "os/polited.h"

#define OK_KEEP  "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"
#define OK_CLOSE "HTTP/1.1 200 OK\r\nConnection:      close\r\nContent-Length: 2\r\n\r\nhi"

enum {
    PIECES_MAX = 8,
};

/* A response as the worker sends it, write by write, and as its client gets it. */
struct shape {
    const char *name;
    const char *request;
    const char *pieces[PIECES_MAX];
    const char *expected;
    enum { THEN_TOLD, THEN_CLOSING, THEN_UPGRADED, THEN_LEFT, THEN_OTHER, THEN_TLS } then;
};

static const struct shape shapes[] = {
    {"keep-alive", POLITED_REQUEST, {OK_KEEP}, OK_CLOSE, THEN_TOLD},
    {"keep-alive in another case",
     POLITED_REQUEST,
     {"HTTP/1.1 200 OK\r\ncOnNecTion:Keep-ALIVE\r\n\r\n"},
     "HTTP/1.1 200 OK\r\ncOnNecTion:     close\r\n\r\n",
     THEN_TOLD},
    {"keep-alive in a list",
     POLITED_REQUEST,
     {"HTTP/1.1 200 OK\r\nA: b\r\nConnection: X-Own, keep-alive , Y\r\nC: d\r\n\r\nkeep-alive"},
     "HTTP/1.1 200 OK\r\nA: b\r\nConnection: X-Own,      close , Y\r\nC: d\r\n\r\nkeep-alive",
     THEN_TOLD},
    {"words that only look like it",
     POLITED_REQUEST,
     {"HTTP/1.1 200 OK\r\nConnection: keep-alive2, keep alive\r\nX-Connection: "
      "keep-alive\r\n\r\n"},
     "HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive2, keep "
     "alive\r\nX-Connection: keep-alive\r\n\r\n",
     THEN_TOLD},
    {"no field",
     POLITED_REQUEST,
     {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
     THEN_TOLD},
    {"no reason and no field at all",
     POLITED_REQUEST,
     {"HTTP/1.1 204\r\n\r\n"},
     "HTTP/1.1 204\r\nConnection: close\r\n\r\n",
     THEN_TOLD},
    {"close is left",
     POLITED_REQUEST,
     {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi"},
     "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi",
     THEN_CLOSING},
    {"an offered upgrade is left",
     POLITED_REQUEST,
     {"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade, Keep-Alive\r\n\r\n"},
     "HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade, Keep-Alive\r\n\r\n",
     THEN_LEFT},
    {"HTTP/1.0 with keep-alive",
     "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"},
     "HTTP/1.0 200 OK\r\nConnection:      close\r\nContent-Length: 2\r\n\r\nhi",
     THEN_TOLD},
    {"HTTP/1.0 without it",
     POLITED_REQUEST,
     {"HTTP/1.0 200 OK\r\n\r\nhi"},
     "HTTP/1.0 200 OK\r\n\r\nhi",
     THEN_CLOSING},
    {"100 and the final one",
     "POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n",
     {"HTTP/1.1 100 Continue\r\n\r\n", OK_KEEP},
     "HTTP/1.1 100 Continue\r\n\r\n" OK_CLOSE,
     THEN_TOLD},
    {"103 and the final one in one write",
     POLITED_REQUEST,
     {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK_KEEP},
     "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK_CLOSE,
     THEN_TOLD},
    {"101 and what follows",
     POLITED_REQUEST,
     {"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n\r\n", OK_KEEP},
     "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n\r\n" OK_KEEP,
     THEN_UPGRADED},
    {"304",
     POLITED_REQUEST,
     {"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"},
     "HTTP/1.1 304 Not Modified\r\nConnection: close\r\nETag: \"a\"\r\n\r\n",
     THEN_TOLD},
    {"HEAD",
     "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
     {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"},
     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 99\r\n\r\n",
     THEN_TOLD},
    {"a body that looks like a head",
     POLITED_REQUEST,
     {"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", OK_KEEP, OK_KEEP},
     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 77\r\n\r\n" OK_KEEP OK_KEEP,
     THEN_TOLD},
    {"chunks and trailers",
     POLITED_REQUEST,
     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Connection\r\n\r\n",
      "5\r\nhello\r\n", "0\r\nConnection: keep-alive\r\n\r\n"},
     "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: "
     "Connection\r\n\r\n5\r\nhello\r\n0\r\nConnection: keep-alive\r\n\r\n",
     THEN_TOLD},
    {"a head in pieces",
     POLITED_REQUEST,
     {"H", "TTP/1.1 200 OK\r", "\nConnection: kee", "p-alive\r\n", "Content-Length: 2\r\n\r",
      "\nh", "i"},
     OK_CLOSE,
     THEN_TOLD},
    {"a head in pieces, no field",
     POLITED_REQUEST,
     {"HTTP/1.1 200 OK\r\n", "Content-Length: 2\r\n", "\r\n", "hi"},
     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
     THEN_TOLD},
    {"two answers to requests sent together",
     POLITED_REQUEST POLITED_REQUEST,
     {OK_KEEP, OK_KEEP},
     OK_CLOSE OK_KEEP,
     THEN_TOLD},
    {"not HTTP",
     "PING / aaaaaaaaaaaa\r\n",
     {"PONG 1\r\n", "HTTP"},
     "PONG 1\r\nHTTP",
     THEN_OTHER},
    {"words of another protocol",
     "\x81\x85 a frame of a websocket",
     {"\x81\x85 pong", "x"},
     "\x81\x85 pongx",
     THEN_OTHER},
    {"nearly a head",
     POLITED_REQUEST,
     {"HTTP/1.1 200 OK\nConnection: keep-alive\n\n"},
     "HTTP/1.1 200 OK\nConnection: keep-alive\n\n",
     THEN_OTHER},
    {"a folded line",
     POLITED_REQUEST,
     {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nConnection: keep-alive\r\n\r\n"},
     "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nConnection: keep-alive\r\n\r\n",
     THEN_OTHER},
    {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {"@@@\4@@@@@"}, "@@@\4@@@@@", THEN_OTHER},
    {"TLS",
     "\x17\x03\x03@@@@@@@@@@@@@@@@@",
     {"\x17\x03\x03@@@@", "\x17\x03\x03"},
     "\x17\x03\x03@@@@\x17\x03\x03",
     THEN_TLS},
};

static void check_then(const struct polited *scene, const struct shape *shape)
{
    struct polite_counts counts = polited_look(scene);

    assert_int_equal(counts.open, 1);
    assert_int_equal(counts.told, shape->then == THEN_TOLD);
    assert_int_equal(counts.closing, shape->then == THEN_CLOSING);
    assert_int_equal(counts.upgraded, shape->then == THEN_UPGRADED);
    assert_int_equal(counts.left, shape->then == THEN_LEFT);
    assert_int_equal(counts.other, shape->then == THEN_OTHER);
    assert_int_equal(counts.tls, shape->then == THEN_TLS);
}

static void play(const struct polited *scene, const struct shape *shape)
{
    polited_ask(scene, shape->request);
    for (size_t i = 0; i < PIECES_MAX && shape->pieces[i] != NULL; i++)
        polited_write(scene->server, shape->pieces[i], strlen(shape->pieces[i]));
}

static void all_pieces(const struct shape *shape, char *text)
{
    *text = '\0';
    for (size_t i = 0; i < PIECES_MAX && shape->pieces[i] != NULL; i++)
        strcat(text, shape->pieces[i]);
}

/* Mid-life: a response went by before, and another comes after. */
static void drain_of_each_shape_changes_one_head(void **state)
{
    struct polited *scene = *state;

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct shape *shape = &shapes[i];
        char plain[4096];

        print_message("%s\n", shape->name);
        all_pieces(shape, plain);
        polited_connect(scene);
        play(scene, shape);
        polited_expect(scene->client, plain, strlen(plain));
        assert_int_equal(polited_cover(scene).covered, 1);
        assert_int_equal(polited_cover(scene).before, 1);
        play(scene, shape);
        polited_expect(scene->client, shape->expected, strlen(shape->expected));
        check_then(scene, shape);
        if (shape->then == THEN_TOLD) {
            play(scene, shape);
            polited_expect(scene->client, plain, strlen(plain));
        }
        polited_disconnect(scene);
        assert_int_equal(polited_look(scene).ended, 1);
        assert_int_equal(polited_look(scene).ended, 0);
    }
}

static void drain_of_new_connection_changes_its_first_head(void **state)
{
    struct polited *scene = *state;

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct shape *shape = &shapes[i];

        print_message("%s\n", shape->name);
        polited_connect(scene);
        polited_ask(scene, shape->request);
        assert_int_equal(polited_cover(scene).covered, 1);
        for (size_t piece = 0; piece < PIECES_MAX && shape->pieces[piece] != NULL; piece++)
            polited_write(scene->server, shape->pieces[piece], strlen(shape->pieces[piece]));
        polited_expect(scene->client, shape->expected, strlen(shape->expected));
        check_then(scene, shape);
        polited_disconnect(scene);
        assert_int_equal(polited_look(scene).ended, 1);
    }
}

/* Covered between two writes of one response, of which the second one looks like a head. */
static void drain_in_the_middle_of_a_body_leaves_it(void **state)
{
    struct polited *scene = *state;

    polited_connect(scene);
    polited_ask(scene, POLITED_REQUEST);
    polited_answer(scene, "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n",
                   "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n");
    assert_int_equal(polited_cover(scene).covered, 1);
    polited_answer(scene, OK_KEEP, OK_KEEP);
    assert_int_equal(polited_look(scene).unsure, 1);
    polited_ask(scene, POLITED_REQUEST);
    polited_answer(scene, OK_KEEP, OK_CLOSE);
}

/* The worker has read the request already, but it was there at covering. */
static void drain_with_unread_request_changes_its_answer(void **state)
{
    struct polited *scene = *state;
    char buffer[256];

    polited_connect(scene);
    polited_ask(scene, POLITED_REQUEST);
    polited_answer(scene, OK_KEEP, OK_KEEP);
    polited_write(scene->client, POLITED_REQUEST, strlen(POLITED_REQUEST));
    assert_int_equal(polited_cover(scene).covered, 1);
    assert_int_equal(polited_read(scene->server, buffer, strlen(POLITED_REQUEST)),
                     strlen(POLITED_REQUEST));
    polited_answer(scene, OK_KEEP, OK_CLOSE);
}

/* An upload of which the rest comes while its answer is under way: an echo. */
static void drain_of_an_answer_before_the_end_of_its_request_leaves_it(void **state)
{
    struct polited *scene = *state;

    polited_connect(scene);
    polited_ask(scene, "POST / HTTP/1.1\r\nContent-Length: 200\r\n\r\n");
    polited_answer(scene, "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n",
                   "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n");
    assert_int_equal(polited_cover(scene).covered, 1);
    polited_ask(scene, OK_KEEP);
    polited_answer(scene, OK_KEEP, OK_KEEP);
    assert_int_equal(polited_look(scene).told, 0);
}

/* A body in a segment of its own is the rest of the request, not another one. */
static void drain_of_a_request_with_a_body_changes_its_answer(void **state)
{
    struct polited *scene = *state;

    polited_connect(scene);
    polited_ask(scene, POLITED_REQUEST);
    polited_answer(scene, OK_KEEP, OK_KEEP);
    assert_int_equal(polited_cover(scene).covered, 1);
    polited_ask(scene, "POST / HTTP/1.1\r\nContent-Length: 32\r\n\r\n");
    polited_ask(scene, "a body that comes a little later");
    polited_answer(scene, OK_KEEP, OK_CLOSE);
}

/* A program that answers before it has read the body, as many do that refuse it. */
static void drain_of_early_answers_changes_the_next(void **state)
{
    struct polited *scene = *state;

    polited_connect(scene);
    polited_ask(scene, "POST / HTTP/1.1\r\nContent-Length: 32\r\n\r\n");
    polited_answer(scene, OK_KEEP, OK_KEEP);
    assert_int_equal(polited_cover(scene).covered, 1);
    polited_ask(scene, "a body that comes a little later");
    polited_ask(scene, "POST / HTTP/1.1\r\nContent-Length: 32\r\n\r\n");
    polited_answer(scene, OK_KEEP, OK_CLOSE);
    polited_ask(scene, "a body that comes a little later");
    assert_int_equal(polited_look(scene).told, 1);
}

static void drain_of_long_heads_changes_those_within_the_bound(void **state)
{
    struct polited *scene = *state;
    const size_t sizes[] = {4000, 4100, 9000, 16000, 17000, 70000};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bool is_short = sizes[i] < 16384;
        char *head = malloc(2 * sizes[i]);
        char *expected = malloc(2 * sizes[i]);

        assert_non_null(head);
        assert_non_null(expected);
        (void)sprintf(head, "HTTP/1.1 200 OK\r\nA: %*s\r\n\r\n", (int)sizes[i], "x");
        (void)sprintf(expected, "HTTP/1.1 200 OK\r\n%sA: %*s\r\n\r\n",
                      is_short ? "Connection: close\r\n" : "", (int)sizes[i], "x");
        polited_connect(scene);
        polited_ask(scene, POLITED_REQUEST);
        assert_int_equal(polited_cover(scene).covered, 1);
        polited_answer(scene, head, expected);
        assert_int_equal(polited_look(scene).told, is_short);
        free(head);
        free(expected);
        polited_disconnect(scene);
        assert_int_equal(polited_look(scene).ended_told, is_short);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        polited_test(drain_of_each_shape_changes_one_head),
        polited_test(drain_of_new_connection_changes_its_first_head),
        polited_test(drain_in_the_middle_of_a_body_leaves_it),
        polited_test(drain_with_unread_request_changes_its_answer),
        polited_test(drain_of_an_answer_before_the_end_of_its_request_leaves_it),
        polited_test(drain_of_a_request_with_a_body_changes_its_answer),
        polited_test(drain_of_early_answers_changes_the_next),
        polited_test(drain_of_long_heads_changes_those_within_the_bound),
    };

    return run_polite_tests(tests);
}
