#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "wire/notify.h"

/* From a copy of its own size, so that a byte too far is seen. */
static struct notice parse(const char *text, size_t size)
{
    static char *copy;

    free(copy);
    copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, text, size);
    return notice_parse(copy, size);
}

static uint32_t said(const char *text)
{
    return parse(text, strlen(text)).said;
}

static void parse_of_each_line_says_it(void **state)
{
    static const struct {
        const char *text;
        uint32_t bit;
    } cases[] = {
        {"READY=1", NOTICE_READY},
        {"STOPPING=1", NOTICE_STOPPING},
        {"RELOADING=1", NOTICE_RELOADING},
        {"STATUS=at ease", NOTICE_STATUS},
        {"STATUS=", NOTICE_STATUS},
        {"ERRNO=2", NOTICE_ERRNO},
        {"MAINPID=4242", NOTICE_MAIN_PID},
        {"WATCHDOG=1", NOTICE_PING},
        {"WATCHDOG=trigger", NOTICE_TRIGGER},
        {"WATCHDOG_USEC=20000000", NOTICE_WATCHDOG_SET},
        {"EXTEND_TIMEOUT_USEC=1", NOTICE_EXTEND},
        {"FDSTORE=1", NOTICE_FD_STORE},
        {"FDSTOREREMOVE=1", NOTICE_FD_STORE_REMOVE},
        {"FDNAME=x", NOTICE_FD_NAME},
        {"BARRIER=1", NOTICE_BARRIER},
        {"MONOTONIC_USEC=17", NOTICE_MONOTONIC},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(said(cases[i].text), cases[i].bit);
}

static void parse_of_several_lines_gives_their_values(void **state)
{
    static const char text[] = "READY=1\nSTATUS=3 active = busy\nERRNO=13\nMAINPID=4242\n"
                               "WATCHDOG_USEC=2000\nEXTEND_TIMEOUT_USEC=30\nFDNAME=lane-1\n"
                               "MONOTONIC_USEC=17\n";
    struct notice notice = parse(text, sizeof(text) - 1);

    (void)state;
    assert_int_equal(notice.status_size, strlen("3 active = busy"));
    assert_memory_equal(notice.status, "3 active = busy", notice.status_size);
    assert_int_equal(notice.error, 13);
    assert_int_equal(notice.pid, 4242);
    assert_true(notice.watchdog.nanoseconds == 2000000);
    assert_true(notice.extend.nanoseconds == 30000);
    assert_int_equal(notice.name_size, 6);
    assert_memory_equal(notice.name, "lane-1", 6);
    assert_true(notice.monotonic.nanoseconds == 17000);
}

static void parse_of_senseless_line_skips_it_alone(void **state)
{
    static const char *const wrong[] = {
        "READY=0",
        "READY=",
        "READY",
        "READY=1 ",
        "ready=1",
        "=1",
        "MAINPID=0",
        "MAINPID=-5",
        "MAINPID=5x",
        "MAINPID=",
        "ERRNO=-1",
        "ERRNO=99999999999",
        "WATCHDOG=2",
        "WATCHDOG_USEC=",
        "WATCHDOG_USEC= 1",
        "FDSTORE=yes",
        "BARRIER=2",
        "X_READY=1",
        "READY =1",
        "EXTEND_TIMEOUT_USEC=18446744073709551616",
        "MONOTONIC_USEC=18446744073709551615",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[128] = "WATCHDOG=1\n";

        assert_int_equal(said(wrong[i]), 0);
        strcat(strcat(text, wrong[i]), "\nREADY=1");
        assert_int_equal(said(text), NOTICE_PING | NOTICE_READY);
    }
}

static void parse_of_huge_span_is_for_ever(void **state)
{
    static const char text[] = "EXTEND_TIMEOUT_USEC=18446744073709551615";
    struct notice notice = parse(text, sizeof(text) - 1);

    (void)state;
    assert_true(notice.extend.nanoseconds == UINT64_MAX);
}

static void parse_of_nothing_says_nothing(void **state)
{
    (void)state;
    assert_int_equal(parse("", 0).said, 0);
    assert_int_equal(said("\n\n\n"), 0);
    assert_int_equal(parse("\0READY=1", 8).said, 0);
}

static void parse_of_repeated_name_takes_the_last(void **state)
{
    static const char text[] = "STATUS=a\nSTATUS=bc";
    struct notice notice = parse(text, sizeof(text) - 1);

    (void)state;
    assert_int_equal(notice.status_size, 2);
    assert_memory_equal(notice.status, "bc", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_of_each_line_says_it),
        cmocka_unit_test(parse_of_several_lines_gives_their_values),
        cmocka_unit_test(parse_of_senseless_line_skips_it_alone),
        cmocka_unit_test(parse_of_huge_span_is_for_ever),
        cmocka_unit_test(parse_of_nothing_says_nothing),
        cmocka_unit_test(parse_of_repeated_name_takes_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
