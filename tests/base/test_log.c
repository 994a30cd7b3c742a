#include "base/log.h"

#include "base/error.h"
#include "base/own.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

/* stderr for the time of a test: its place is taken by `fd`, and given back by
 * stderr_restore().
 */
static int stderr_replace(int fd)
{
    int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    assert_true(saved >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    return saved;
}

static void stderr_restore(int saved)
{
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close_fd(saved);
}

/* What one call of log_write() writes, in the mode given. */
static const char *written(enum log_mode mode, enum log_level level, const char *message,
                           char *ret_line, size_t size)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    log_setup(LEVEL_INFO, mode);
    int saved = stderr_replace(ends[1]);
    log_write(level, "%s", message);
    stderr_restore(saved);
    ssize_t n = read(ends[0], ret_line, size - 1);
    ret_line[n > 0 ? n : 0] = '\0';
    (void)close_fd(ends[0]);
    (void)close_fd(ends[1]);
    return ret_line;
}

static void write_in_each_mode_has_its_prefix(void **state)
{
    (void)state;
    char line[256];
    const char *name = program_invocation_short_name;
    char expected[256];
    (void)snprintf(expected, sizeof(expected), "%s: error: it broke\n", name);
    assert_string_equal(written(LOG_MODE_PLAIN, LEVEL_ERROR, "it broke", line, sizeof(line)),
                        expected);
    (void)snprintf(expected, sizeof(expected), "%s: it works\n", name);
    assert_string_equal(written(LOG_MODE_PLAIN, LEVEL_INFO, "it works", line, sizeof(line)),
                        expected);
    assert_string_equal(written(LOG_MODE_SERVICE, LEVEL_WARNING, "hm", line, sizeof(line)),
                        "<4>hm\n");
    assert_non_null(
        strstr(written(LOG_MODE_COLOUR, LEVEL_ERROR, "red", line, sizeof(line)), "\033[1;31m"));
}

static void write_above_the_level_writes_nothing(void **state)
{
    (void)state;
    char line[64];
    assert_string_equal(written(LOG_MODE_PLAIN, LEVEL_DEBUG, "quiet", line, sizeof(line)), "");
    assert_false(log_wants(LEVEL_DEBUG));
    assert_true(log_wants(LEVEL_INFO));
}

static void write_of_control_bytes_stays_one_line(void **state)
{
    (void)state;
    char line[128];
    assert_string_equal(
        written(LOG_MODE_SERVICE, LEVEL_INFO, "a\n<3>forged\033[2J", line, sizeof(line)),
        "<6>a\\n<3>forged\\x1b[2J\n");
}

static void write_of_too_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    char message[3 * LOG_LINE_MAX + 1];
    for (size_t i = 0; i + 2 < sizeof(message); i += 2)
        memcpy(message + i, "é", 2);
    message[sizeof(message) - 1] = '\0';
    message[sizeof(message) - 2] = '!';
    message[sizeof(message) - 3] = '!';
    char line[2 * LOG_LINE_MAX];
    (void)written(LOG_MODE_SERVICE, LEVEL_INFO, message, line, sizeof(line));
    size_t length = strlen(line);
    assert_in_range(length, LOG_LINE_MAX - 2, LOG_LINE_MAX);
    assert_string_equal(line + length - 6, "é…\n");
}

static void write_to_full_pipe_drops_the_line(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0); /* blocking, as a terminal is */
    assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    char page[4096] = {0};
    assert_int_equal(write(ends[1], page, sizeof(page)), sizeof(page));
    log_setup(LEVEL_INFO, LOG_MODE_PLAIN);
    int saved = stderr_replace(ends[1]);
    errno = EXDEV;
    log_info("nobody reads this");
    assert_int_equal(errno, EXDEV);
    stderr_restore(saved);
    (void)close_fd(ends[1]);
    assert_int_equal(read(ends[0], page, sizeof(page)), sizeof(page));
    assert_int_equal(read(ends[0], page, sizeof(page)), 0);
    (void)close_fd(ends[0]);
}

static void write_to_broken_pipe_survives(void **state)
{
    (void)state;
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)close_fd(ends[0]);
    int saved = stderr_replace(ends[1]);
    log_info("to nobody");
    stderr_restore(saved);
    (void)close_fd(ends[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    (void)close_fd(ends[0]);
    saved = stderr_replace(ends[1]);
    log_info("to nobody");
    stderr_restore(saved);
    (void)close_fd(ends[1]);
}

static void mode_with_journal_stream_of_stderr_is_service(void **state)
{
    (void)state;
    struct stat status;
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    char stream[64];
    (void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    assert_int_equal(log_mode_of_stderr(), LOG_MODE_SERVICE);
    assert_int_equal(setenv("JOURNAL_STREAM", "0:0", 1), 0);
    assert_int_not_equal(log_mode_of_stderr(), LOG_MODE_SERVICE);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void mode_off_a_terminal_is_plain(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    int saved = stderr_replace(ends[1]);
    enum log_mode mode = log_mode_of_stderr();
    stderr_restore(saved);
    assert_int_equal(mode, LOG_MODE_PLAIN);
    (void)close_fd(ends[0]);
    (void)close_fd(ends[1]);
}

static void mode_on_a_terminal_is_coloured_unless_refused(void **state)
{
    (void)state;
    _cleanup_fd_ int main_side = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(main_side >= 0);
    assert_int_equal(grantpt(main_side), 0);
    assert_int_equal(unlockpt(main_side), 0);
    _cleanup_fd_ int terminal = open(ptsname(main_side), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    int saved = stderr_replace(terminal);
    enum log_mode coloured = log_mode_of_stderr();
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    enum log_mode refused = log_mode_of_stderr();
    stderr_restore(saved);
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    assert_int_equal(coloured, LOG_MODE_COLOUR);
    assert_int_equal(refused, LOG_MODE_PLAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_in_each_mode_has_its_prefix),
        cmocka_unit_test(write_above_the_level_writes_nothing),
        cmocka_unit_test(write_of_control_bytes_stays_one_line),
        cmocka_unit_test(write_of_too_long_message_is_cut_between_characters),
        cmocka_unit_test(write_to_full_pipe_drops_the_line),
        cmocka_unit_test(write_to_broken_pipe_survives),
        cmocka_unit_test(mode_with_journal_stream_of_stderr_is_service),
        cmocka_unit_test(mode_off_a_terminal_is_plain),
        cmocka_unit_test(mode_on_a_terminal_is_coloured_unless_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
