#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bpf/polite_head.h"

#include <string.h>

static struct polite_head read_head(const char *text)
{
    struct polite_head head = {0};
    __u32 at = 0;

    while (text[at] != '\0' && polite_head_step(&head, (unsigned char)text[at], at))
        at++;
    return head;
}

static int advice_of(const char *text)
{
    struct polite_head head = read_head(text);

    return head.state == POLITE_HEAD_WHOLE ? (int)polite_head_advice(&head) : -1;
}

#define OK "HTTP/1.1 200 OK\r\n"

static void advice_of_whole_heads_is_as_they_say(void **state)
{
    (void)state;
    assert_int_equal(advice_of(OK "\r\n"), POLITE_ADVICE_INSERT);
    assert_int_equal(advice_of(OK "A:\r\nB: c d\t\xc3\xa4\r\n\r\n"), POLITE_ADVICE_INSERT);
    assert_int_equal(advice_of("HTTP/1.0 200 OK\r\n\r\n"), POLITE_ADVICE_CLOSING);
    assert_int_equal(advice_of("HTTP/1.0 200\r\nconnection:KEEP-alive\r\n\r\n"),
                     POLITE_ADVICE_REPLACE);
    assert_int_equal(advice_of(OK "Connection: a, b,,Keep-Alive\r\n\r\n"),
                     POLITE_ADVICE_REPLACE);
    assert_int_equal(advice_of(OK "Connection: keep-alive\r\nConnection: Close \r\n\r\n"),
                     POLITE_ADVICE_CLOSING);
    assert_int_equal(advice_of(OK "Connection: upgrade, keep-alive\r\n\r\n"),
                     POLITE_ADVICE_LEAVE);
    assert_int_equal(advice_of("HTTP/1.1 101 X\r\nConnection: upgrade\r\n\r\n"),
                     POLITE_ADVICE_UPGRADED);
    assert_int_equal(advice_of("HTTP/1.1 100 Continue\r\n\r\n"), POLITE_ADVICE_INTERIM);
    assert_int_equal(advice_of(OK "Connections: keep-alive\r\nConnectio: close\r\n\r\n"),
                     POLITE_ADVICE_INSERT);
    assert_int_equal(advice_of(OK "Connection: keep-alive-not, closed, clos, k\r\n\r\n"),
                     POLITE_ADVICE_INSERT);
}

static void places_are_where_the_change_belongs(void **state)
{
    const char *text = OK "Connection: x,\tKeep-Alive\r\nConnection: keep-alive\r\n\r\n";
    struct polite_head head = read_head(text);

    (void)state;
    assert_int_equal(head.status_end, strlen(OK));
    assert_int_equal(head.end, strlen(text));
    assert_int_equal(head.keep_at, strlen(OK "Connection: x,\t"));
}

static void what_is_no_head_is_none(void **state)
{
    const char *const texts[] = {
        "HTTP/2 200\r\n\r\n",       "HTTP/1.2 200 OK\r\n\r\n",  "http/1.1 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",   "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",  "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 200 OK\n\n",
        OK "A b: c\r\n\r\n",        OK ": c\r\n\r\n",           OK "A\r\n\r\n",
        OK " A: b\r\n\r\n",         OK "A: b\r\n c\r\n\r\n",    OK "A: b\rc\r\n\r\n",
        OK "A: \1\r\n\r\n",         OK "A: b\nC: d\r\n\r\n",    OK "\r\r\n",
        OK "A: \x7f\r\n\r\n",       "HTTP/1.1 200 O\1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(read_head(texts[i]).state, POLITE_HEAD_NONE);
}

static void every_beginning_of_a_head_is_not_whole_yet(void **state)
{
    const char *text = OK "Connection: keep-alive\r\nA: b\r\n\r\n";
    char part[128];

    (void)state;
    for (size_t i = 0; i < strlen(text); i++) {
        memcpy(part, text, i);
        part[i] = '\0';
        assert_int_equal(advice_of(part), -1);
        assert_int_not_equal(read_head(part).state, POLITE_HEAD_NONE);
    }
}

static enum polite_kind kind_of(const char *text)
{
    __u8 first[POLITE_FIRST_SIZE] = {0};
    size_t size = strlen(text);

    memcpy(first, text, size < sizeof first ? size : sizeof first);
    return polite_kind_of(first);
}

static void kind_of_first_bytes_is_seen(void **state)
{
    (void)state;
    assert_int_equal(kind_of("GET / HTTP/1.1\r\n"), POLITE_KIND_REQUEST);
    assert_int_equal(kind_of("POST http://a/ HTTP"), POLITE_KIND_REQUEST);
    assert_int_equal(kind_of("OPTIONS * HTTP/1.1"), POLITE_KIND_REQUEST);
    assert_int_equal(kind_of("M-SEARCH * HTTP/1.1"), POLITE_KIND_REQUEST);
    assert_int_equal(kind_of("UNSUBSCRIBE /aaaa"), POLITE_KIND_REQUEST);
    assert_int_equal(kind_of("CONNECT a:443 HTTP"), POLITE_KIND_OTHER);
    assert_int_equal(kind_of("get / HTTP/1.1\r\n"), POLITE_KIND_OTHER);
    assert_int_equal(kind_of("GE / HTTP/1.1\r\n"), POLITE_KIND_OTHER);
    assert_int_equal(kind_of("GET"), POLITE_KIND_OTHER);
    assert_int_equal(kind_of("\x16\x03\x01\x02\x00"), POLITE_KIND_TLS);
    assert_int_equal(kind_of("\x17\x03\x03\x02\x00"), POLITE_KIND_TLS);
    assert_int_equal(kind_of("\x81\x85 GET / HTTP/"), POLITE_KIND_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advice_of_whole_heads_is_as_they_say),
        cmocka_unit_test(places_are_where_the_change_belongs),
        cmocka_unit_test(what_is_no_head_is_none),
        cmocka_unit_test(every_beginning_of_a_head_is_not_whole_yet),
        cmocka_unit_test(kind_of_first_bytes_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
