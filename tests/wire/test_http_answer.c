#include "wire/http_answer.h"

#include "wire/expect.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Feeds the text in pieces of `piece` bytes, then the end of the connection where `ends`.
 * Returns what the last feed did, and the status. */
static int feed(const char *text, size_t piece, bool ends, int *ret_status)
{
    struct http_answer *answer;
    size_t size = strlen(text);
    int r = 0;

    assert_int_equal(http_answer_new(&answer), 0);
    for (size_t at = 0; at < size && r == 0; at += piece)
        r = http_answer_feed(answer, text + at, size - at < piece ? size - at : piece);
    if (r == 0 && ends)
        r = http_answer_feed(answer, NULL, 0);
    *ret_status = http_answer_status(answer);
    http_answer_free(answer);
    return r;
}

static void expect_whole(const char *text, bool ends, int status)
{
    static const size_t pieces[] = {1, 2, 7, 4096};

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        int found;

        assert_int_equal(feed(text, pieces[i], ends, &found), 1);
        assert_int_equal(found, status);
    }
}

static void expect_failure(const char *text, bool ends, int error)
{
    static const size_t pieces[] = {1, 4096};

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        int status;

        assert_int_equal(feed(text, pieces[i], ends, &status), error);
    }
}

static void feed_whole_answer_gives_its_status(void **state)
{
    (void)state;
    expect_whole("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 200);
    expect_whole("HTTP/1.1 503 \r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
                 false, 503);
    expect_whole("HTTP/1.1 204 No Content\r\n\r\n", false, 204);
    expect_whole("HTTP/1.0 200 OK\r\n\r\nuntil the end", true, 200);
    expect_whole("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nwhat nobody asked for", false,
                 200);
}

static void feed_interim_answer_waits_for_the_final_one(void **state)
{
    int status;

    (void)state;
    assert_int_equal(feed("HTTP/1.1 100 Continue\r\n\r\n", 4096, false, &status), 0);
    assert_int_equal(status, 0);
    expect_whole("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                 "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
                 false, 500);
    expect_whole(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false,
        101);
}

static void feed_answer_that_breaks_off_is_no_data(void **state)
{
    (void)state;
    expect_failure("", true, -ENODATA);
    expect_failure("HTTP/1.1 20", true, -ENODATA);
    expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", true, -ENODATA);
}

static void feed_what_is_not_http_is_refused(void **state)
{
    (void)state;
    expect_failure("SSH-2.0-OpenSSH_9.2p1\r\n", false, -EBADMSG);
    expect_failure("HTTP/1.1 2000 OK\r\n\r\n", false, -EBADMSG);
    expect_failure("HTTP/1.1 099 OK\r\n\r\n", false, -EBADMSG);
    expect_failure("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", false, -EBADMSG);
}

static void free_of_null_is_ignored(void **state)
{
    (void)state;
    http_answer_free(NULL);
}

static void expect_takes_statuses_and_classes_alone(void **state)
{
    static const char *const good[] = {"200", "2xx", "2xx,301", "100,5xx,404"};
    static const char *const bad[] = {"",     "2",    "20",   "2x0",  "2XX", "600",     "099",
                                      "200,", ",200", "2xx ", "200;", "20x", "2xx,,3xx"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(expect_is_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(expect_is_valid(bad[i]));
}

static void expect_has_what_it_lists(void **state)
{
    (void)state;
    assert_true(expect_has("2xx", 200));
    assert_true(expect_has("2xx", 299));
    assert_false(expect_has("2xx", 300));
    assert_true(expect_has("204,3xx", 204));
    assert_true(expect_has("204,3xx", 307));
    assert_false(expect_has("204,3xx", 200));
    assert_false(expect_has("5xx", 999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feed_whole_answer_gives_its_status),
        cmocka_unit_test(feed_interim_answer_waits_for_the_final_one),
        cmocka_unit_test(feed_answer_that_breaks_off_is_no_data),
        cmocka_unit_test(feed_what_is_not_http_is_refused),
        cmocka_unit_test(free_of_null_is_ignored),
        cmocka_unit_test(expect_takes_statuses_and_classes_alone),
        cmocka_unit_test(expect_has_what_it_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
