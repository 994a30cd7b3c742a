#include "os/scratch.h"

#include "os/system_journal.h"
#include "os/unix_socket.h"

#include <errno.h>

static void parse_of_an_identifier_gives_what_it_was_made_of(void **state)
{
    static const struct system_journal_source sources[] = {
        {"web", 3, 12, 2},
        {"a", 0, 0, 0},
        {"web-r1-w2-s3", 4, 5, 6}, /* the name of an app like any other */
        {"api.v2@eu_west", 18446744073709551615u, 18446744073709551615u, 4294967295u},
        {"0123456789012345678901234567890123456789012345678901234567890123",
         18446744073709551615u, 18446744073709551615u, 4294967295u},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        const struct system_journal_source *source = &sources[i];
        struct system_journal_source parsed;
        char identifier[SYSTEM_JOURNAL_IDENTIFIER_SIZE];

        system_journal_identifier(source->app, source->revision, source->worker, source->slot,
                                  identifier);
        assert_int_equal(system_journal_parse(identifier, &parsed), 0);
        assert_string_equal(parsed.app, source->app);
        assert_true(parsed.revision == source->revision);
        assert_true(parsed.worker == source->worker);
        assert_int_equal(parsed.slot, source->slot);
    }
}

static void identifier_is_as_documented(void **state)
{
    char identifier[SYSTEM_JOURNAL_IDENTIFIER_SIZE];

    (void)state;
    system_journal_identifier("web", 3, 12, 2, identifier);
    assert_string_equal(identifier, "web-r3-w12-s2");
}

static void parse_of_anything_else_is_refused(void **state)
{
    static const char *const others[] = {
        "",
        "web",
        "systemd",
        "web-r3-w12",
        "web-r3-w12-s",
        "web-r3-w12-s2 ",
        "web-r3-w12-s-2",
        "web-r03-w12-s2",
        "web-r3-s2-w12",
        "-r3-w12-s2",
        "r3-w12-s2",
        "web r3-w12-s2",
        "we/b-r3-w12-s2",
        "web-r3-w12-s4294967296",
        "web-r18446744073709551616-w1-s2",
        "web-r99999999999999999999999999-w1-s2",
        "01234567890123456789012345678901234567890123456789012345678901234-r1-w1-s1",
    };
    struct system_journal_source source = {.slot = 77};
    char endless[1000];

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (system_journal_parse(others[i], &source) != 1)
            fail_msg("\"%s\" was taken for an identifier", others[i]);
    memset(endless, '1', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_int_equal(system_journal_parse(endless, &source), 1);
    assert_int_equal(source.slot, 77);
}

/* Machines that run tests may have a journald or none; both are said for what they are. */
static void stream_is_a_socket_to_journald_or_there_is_none(void **state)
{
    bool is_there = access("/run/systemd/journal/stdout", F_OK) == 0;
    int fd = -1;
    int rv = system_journal_stream("reloadd-test-r1-w1-s0", &fd);

    (void)state;
    if (!is_there) {
        assert_int_equal(rv, 1);
        assert_int_equal(fd, -1);
        return;
    }
    if (rv == 1)
        return; /* its file is there, and nobody listens */
    assert_int_equal(rv, 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    (void)close(fd);
}

static void stream_name_is_device_and_inode(void **state)
{
    char name[SYSTEM_JOURNAL_STREAM_NAME_SIZE];
    char expected[SYSTEM_JOURNAL_STREAM_NAME_SIZE];
    struct stat status;
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(fstat(ends[0], &status), 0);
    (void)snprintf(expected, sizeof(expected), "%llu:%llu", (unsigned long long)status.st_dev,
                   (unsigned long long)status.st_ino);
    assert_int_equal(system_journal_stream_name(ends[0], name), 0);
    assert_string_equal(name, expected);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(system_journal_stream_name(ends[0], name), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_of_an_identifier_gives_what_it_was_made_of),
        cmocka_unit_test(identifier_is_as_documented),
        cmocka_unit_test(parse_of_anything_else_is_refused),
        cmocka_unit_test(stream_is_a_socket_to_journald_or_there_is_none),
        cmocka_unit_test(stream_name_is_device_and_inode),
    };

    return run_os_tests(tests);
}
