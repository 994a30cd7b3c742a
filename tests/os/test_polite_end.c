#include "os/polited.h"

#define OK_KEEP  "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"
#define OK_CLOSE "HTTP/1.1 200 OK\r\nConnection:      close\r\nContent-Length: 2\r\n\r\nhi"

static const pid_t *own_pid(void)
{
    static pid_t pid;

    pid = getpid();
    return &pid;
}

static struct polite_worker own_worker(const struct polited *scene)
{
    return (struct polite_worker){
        .pids = own_pid(),
        .pid_n = 1,
        .ports = &scene->port,
        .port_n = 1,
        .owner = POLITED_OWNER,
    };
}

static unsigned end_idle(const struct polited *scene, struct span idle)
{
    const struct polite_worker worker = own_worker(scene);
    unsigned count = 0;

    assert_int_equal(polite_end_idle(&scene->polite, &worker, idle, &count), 0);
    return count;
}

/* A connection on which one exchange went by, covered. */
static struct polited *idle_scene(void **state)
{
    struct polited *scene = *state;

    polited_connect(scene);
    polited_ask(scene, POLITED_REQUEST);
    polited_answer(scene, OK_KEEP, OK_KEEP);
    assert_int_equal(polited_cover(scene).covered, 1);
    return scene;
}

static void end_of_idle_connection_is_seen_by_both(void **state)
{
    struct polited *scene = idle_scene(state);
    char byte;

    assert_int_equal(end_idle(scene, span_from_ms(0)), 1);
    assert_int_equal(polited_read(scene->client, &byte, 1), 0);
    scene->client = close_fd(scene->client);
    assert_int_equal(polited_read(scene->server, &byte, 1), 0);
    scene->server = close_fd(scene->server);
    assert_int_equal(polited_look(scene).ended, 0); /* silent: forgotten with its worker */
    assert_int_equal(polite_forget(&scene->polite, POLITED_OWNER), 0);
}

static void end_of_busy_connections_is_not_yet(void **state)
{
    struct polited *scene = idle_scene(state);

    assert_int_equal(end_idle(scene, span_from_ms(3600000)), 0);
    polited_write(scene->client, POLITED_REQUEST, strlen(POLITED_REQUEST));
    assert_int_equal(end_idle(scene, span_from_ms(0)), 0);
    polited_expect(scene->server, POLITED_REQUEST, strlen(POLITED_REQUEST));
    polited_answer(scene, OK_KEEP, OK_CLOSE);
}

/* The worker has read the request, and takes its time: nothing is unread, nothing is sent. */
static void end_of_a_connection_that_is_owed_an_answer_is_not_yet(void **state)
{
    struct polited *scene = idle_scene(state);

    polited_ask(scene, POLITED_REQUEST);
    assert_int_equal(end_idle(scene, span_from_ms(0)), 0);
    polited_answer(scene, OK_KEEP, OK_CLOSE);
}

/* It was read before the connection was covered, and the filter did not see it. */
static void end_of_a_connection_that_was_never_answered_is_not_yet(void **state)
{
    struct polited *scene = *state;

    polited_connect(scene);
    polited_ask(scene, POLITED_REQUEST);
    assert_int_equal(polited_cover(scene).covered, 1);
    assert_int_equal(end_idle(scene, span_from_ms(0)), 0);
    polited_answer(scene, OK_KEEP, OK_CLOSE);
    assert_int_equal(end_idle(scene, span_from_ms(0)), 1);
}

/* The client has asked before it saw the end: it gets no answer, no reset, and the worker gets
 * no request; at the next look the worker sees the end, too. */
static void end_that_crosses_a_request_is_no_reset(void **state)
{
    struct polited *scene = idle_scene(state);
    struct pollfd poller = {.fd = scene->server, .events = POLLIN};
    char byte;

    assert_int_equal(end_idle(scene, span_from_ms(0)), 1);
    polited_write(scene->client, POLITED_REQUEST, strlen(POLITED_REQUEST));
    assert_int_equal(polited_read(scene->client, &byte, 1), 0);
    assert_int_equal(recv(scene->server, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    /* The acknowledgement of the end may have been dropped with the request: TCP sends it anew.
     */
    while (poll(&poller, 1, 10) == 0)
        assert_int_equal(end_idle(scene, span_from_ms(0)), 0);
    assert_int_equal(polited_read(scene->server, &byte, 1), 0);
}

/* Where it is not ended after all, what was dropped meanwhile comes again. */
static void end_that_is_called_off_loses_nothing(void **state)
{
    struct polited *scene = idle_scene(state);

    assert_int_equal(end_idle(scene, SPAN_FOREVER), 0);
    polited_ask(scene, POLITED_REQUEST);
    polited_answer(scene, OK_KEEP, OK_CLOSE);
}

static void watch_before_the_drain_knows_what_was_read(void **state)
{
    struct polited *scene = *state;
    struct polite_covered covered = {0};

    polited_connect(scene);
    polited_ask(scene, POLITED_REQUEST);
    polited_answer(scene, OK_KEEP, OK_KEEP);
    const struct polite_worker worker = own_worker(scene);
    assert_int_equal(polite_watch(&scene->polite, &worker, &covered), 0);
    assert_int_equal(covered.covered, 1);
    polited_ask(scene, POLITED_REQUEST);
    polited_answer(scene, OK_KEEP, OK_KEEP);
    polited_ask(scene, POLITED_REQUEST);
    assert_int_equal(polited_look(scene).open, 0);
    assert_int_equal(polited_cover(scene).covered, 1);
    polited_answer(scene, OK_KEEP, OK_CLOSE);
}

static void unwatch_leaves_everything_as_it_was(void **state)
{
    struct polited *scene = *state;
    struct polite_covered covered = {0};

    polited_connect(scene);
    const struct polite_worker worker = own_worker(scene);
    assert_int_equal(polite_watch(&scene->polite, &worker, &covered), 0);
    assert_int_equal(polite_unwatch(&scene->polite, &worker), 0);
    assert_int_equal(polite_watch(&scene->polite, &worker, &covered), 0);
    assert_int_equal(covered.covered, 1);
    assert_int_equal(polite_unwatch(&scene->polite, &worker), 0);
    polited_ask(scene, POLITED_REQUEST);
    polited_answer(scene, OK_KEEP, OK_KEEP);
}

/* The map is taken down by a worker of the kernel, some time after its last descriptor is
 * closed. Another map may have the connection then. */
static void until_covered(struct polited *scene)
{
    bool is_covered = false;

    for (int i = 0; i < 1000 && !is_covered; i++) {
        is_covered = polited_cover(scene).covered > 0;
        (void)poll(NULL, 0, is_covered ? 0 : 10);
    }
    assert_true(is_covered);
}

static void until_released(struct polited *scene)
{
    assert_int_equal(polite_open(64, &scene->polite), 0);
    until_covered(scene);
    polite_release(&scene->polite);
}

/* As after a kill of the primary without anybody to keep the maps. */
static void release_leaves_the_connections_to_the_program(void **state)
{
    struct polited *scene = idle_scene(state);

    polite_release(&scene->polite);
    for (int i = 0; i < 3; i++) {
        polited_ask(scene, POLITED_REQUEST);
        polited_write(scene->server, OK_KEEP, strlen(OK_KEEP));
        char buffer[256];
        assert_int_equal(polited_read(scene->client, buffer, strlen(OK_KEEP)), strlen(OK_KEEP));
    }
    assert_int_equal(polite_open(64, &scene->polite), 0);
    until_covered(scene);
    polited_ask(scene, POLITED_REQUEST);
    polited_answer(scene, OK_KEEP, OK_CLOSE);
}

/* Whoever holds copies of the descriptors goes on with them. */
static void copies_of_the_descriptors_keep_it_in_force(void **state)
{
    struct polited *scene = idle_scene(state);
    struct polite copy = {dup(scene->polite.sockets), dup(scene->polite.states),
                          dup(scene->polite.shut), dup(scene->polite.filter)};

    polite_release(&scene->polite);
    scene->polite = copy;
    polited_ask(scene, POLITED_REQUEST);
    polited_answer(scene, OK_KEEP, OK_CLOSE);
    assert_int_equal(polited_look(scene).told, 1);
    assert_int_equal(polited_cover(scene).before, 1);
}

/* The one thing that is lost then: what was kept back of a head that comes in pieces. */
static void release_in_the_middle_of_a_head_loses_its_beginning(void **state)
{
    struct polited *scene = *state;

    polited_connect(scene);
    polited_ask(scene, POLITED_REQUEST);
    assert_int_equal(polited_cover(scene).covered, 1);
    polited_write(scene->server, "HTTP/1.1 200 OK\r\n", 17);
    polite_release(&scene->polite);
    until_released(scene);
    polited_answer(scene, "A: b\r\n\r\n", "A: b\r\n\r\n");
}

/* A program that closes, or shuts down, in the middle of its head: its pieces are gone, too. */
static void close_in_the_middle_of_a_head_ends_the_connection(void **state)
{
    struct polited *scene = *state;
    char byte;

    polited_connect(scene);
    polited_ask(scene, POLITED_REQUEST);
    assert_int_equal(polited_cover(scene).covered, 1);
    polited_write(scene->server, "HTTP/1.1 200 OK\r\n", 17);
    scene->server = close_fd(scene->server);
    assert_int_equal(polited_read(scene->client, &byte, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        polited_test(end_of_idle_connection_is_seen_by_both),
        polited_test(end_of_busy_connections_is_not_yet),
        polited_test(end_of_a_connection_that_is_owed_an_answer_is_not_yet),
        polited_test(end_of_a_connection_that_was_never_answered_is_not_yet),
        polited_test(end_that_crosses_a_request_is_no_reset),
        polited_test(end_that_is_called_off_loses_nothing),
        polited_test(watch_before_the_drain_knows_what_was_read),
        polited_test(unwatch_leaves_everything_as_it_was),
        polited_test(release_leaves_the_connections_to_the_program),
        polited_test(release_in_the_middle_of_a_head_loses_its_beginning),
        polited_test(close_in_the_middle_of_a_head_ends_the_connection),
        polited_test(copies_of_the_descriptors_keep_it_in_force),
    };

    return run_polite_tests(tests);
}
