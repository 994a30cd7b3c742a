#include "reloadctl/client.h"

#include "reloadctl/captured.h"
#include "reloadctl/clock.h"

#include <string.h>
#include <sys/socket.h>

struct pair {
    struct client client;
    int other;
};

static int set_up(void **state)
{
    static struct pair pair;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    client_init_take(&pair.client, fds[0]);
    pair.other = fds[1];
    *state = &pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;

    client_release(&pair->client);
    client_release(&pair->client);
    (void)close_fd(pair->other);
    return 0;
}

static void say(struct pair *pair, const char *bytes, size_t size)
{
    assert_int_equal(write(pair->other, bytes, size), size);
}

static void assert_heard(struct pair *pair, const char *expected)
{
    const char *text = NULL;
    size_t size = 0;

    assert_int_equal(client_receive(&pair->client, INSTANT_NEVER, &text, &size), 0);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(text, expected);
}

static int listen_until_now(struct pair *pair)
{
    const char *text;
    size_t size;

    return client_receive(&pair->client, clock_now(), &text, &size);
}

static void receive_of_joined_messages_gives_each(void **state)
{
    struct pair *pair = *state;

    say(pair, "one\0\0two\0thr", 12);
    assert_heard(pair, "one");
    assert_heard(pair, "");
    assert_heard(pair, "two");
    assert_int_equal(listen_until_now(pair), CLIENT_TIMEOUT);
    say(pair, "ee", 3);
    assert_heard(pair, "three");
}

static void receive_of_a_long_message_gives_it_whole(void **state)
{
    struct pair *pair = *state;
    static char text[100001];

    memset(text, 'x', sizeof(text) - 1);
    for (size_t sent = 0; sent < sizeof(text); sent += 20000) {
        size_t left = sizeof(text) - sent;
        say(pair, text + sent, left < 20000 ? left : 20000);
        if (left > 20000)
            assert_int_equal(listen_until_now(pair), CLIENT_TIMEOUT);
    }
    assert_heard(pair, text);
}

static void receive_after_hang_up_tells_clean_from_cut(void **state)
{
    struct pair *pair = *state;

    say(pair, "one\0tw", 6);
    pair->other = close_fd(pair->other);
    assert_heard(pair, "one");
    assert_int_equal(listen_until_now(pair), CLIENT_CUT);
}

static void receive_after_the_last_message_is_closed(void **state)
{
    struct pair *pair = *state;

    say(pair, "one", 4);
    pair->other = close_fd(pair->other);
    assert_heard(pair, "one");
    assert_int_equal(listen_until_now(pair), CLIENT_CLOSED);
}

static void send_ends_the_message_with_nul(void **state)
{
    struct pair *pair = *state;
    char heard[8] = {'?', '?', '?', '?', '?', '?', '?', '?'};

    assert_int_equal(client_send(&pair->client, "call", INSTANT_NEVER), 0);
    assert_int_equal(read(pair->other, heard, sizeof(heard)), 5);
    assert_memory_equal(heard, "call\0???", 8);
}

static void send_to_the_deaf_ends_at_the_deadline(void **state)
{
    struct pair *pair = *state;
    static char text[1 << 20];

    memset(text, 'x', sizeof(text) - 1);
    assert_int_equal(client_send(&pair->client, text, clock_now()), CLIENT_TIMEOUT);
}

static void send_after_hang_up_is_closed(void **state)
{
    struct pair *pair = *state;

    pair->other = close_fd(pair->other);
    assert_int_equal(client_send(&pair->client, "call", INSTANT_NEVER), CLIENT_CLOSED);
}

#define PAIR_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(receive_of_joined_messages_gives_each),
        PAIR_TEST(receive_of_a_long_message_gives_it_whole),
        PAIR_TEST(receive_after_hang_up_tells_clean_from_cut),
        PAIR_TEST(receive_after_the_last_message_is_closed),
        PAIR_TEST(send_ends_the_message_with_nul),
        PAIR_TEST(send_to_the_deaf_ends_at_the_deadline),
        PAIR_TEST(send_after_hang_up_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
