#include "reloadd/output.h"

#include "os/scratch.h"

#include "base/error.h"

enum { LINES_MAX = 2000 };

/* What the listener was told. */
struct heard {
    size_t n;
    uint64_t last;
};

static void on_line(void *user, const struct output_line *line)
{
    struct heard *heard = user;

    assert_int_equal(line->number, heard->last + 1);
    heard->last = line->number;
    heard->n++;
}

/* stdout goes to a file of the test's folder while the output is at work. */
struct fixture {
    struct output *output;
    struct heard heard;
    int stdout_fd;
    char path[PATH_MAX];
};

static void begin(struct fixture *fixture, void **state, bool colour)
{
    int fd;

    *fixture = (struct fixture){0};
    assert_int_equal(output_new(colour, on_line, &fixture->heard, &fixture->output), 0);
    (void)fflush(stdout);
    fixture->stdout_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    fd = open(scratch_path(state, "stdout", fixture->path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fixture->stdout_fd >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    (void)close(fd);
}

/* Puts another descriptor in the place of stdout; owns it. */
static void redirect_consume(int fd)
{
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    (void)close(fd);
}

static void end(struct fixture *fixture)
{
    assert_int_equal(dup2(fixture->stdout_fd, STDOUT_FILENO), STDOUT_FILENO);
    (void)close(fixture->stdout_fd);
    output_free(fixture->output);
}

static void assert_shown(const struct fixture *fixture, const char *wanted)
{
    char shown[4096] = "";
    FILE *file = fopen(fixture->path, "re");

    assert_non_null(file);
    (void)fread(shown, 1, sizeof(shown) - 1, file);
    (void)fclose(file);
    assert_string_equal(shown, wanted);
}

static void add(struct fixture *fixture, uint64_t worker, const char *text, size_t size)
{
    const struct output_line line = {.worker = worker, .slot = (uint32_t)worker, .revision = 9};

    output_add(fixture->output, &line, text, size);
}

static void say(struct fixture *fixture, uint64_t worker, const char *text)
{
    add(fixture, worker, text, strlen(text));
}

static bool is_any(const struct output_line *line, const void *user)
{
    (void)line;
    (void)user;
    return true;
}

static bool is_of_worker(const struct output_line *line, const void *user)
{
    return line->worker == *(const uint64_t *)user;
}

static void add_shows_workers_lines_with_their_prefix(void **state)
{
    struct fixture fixture;

    begin(&fixture, state, false);
    say(&fixture, 1, "hello");
    say(&fixture, 0, "the primary's own go to stderr");
    say(&fixture, 2, "a \033[31mcolour");
    assert_shown(&fixture, "1 r9 | hello\n2 r9 | a \033[31mcolour\n");
    end(&fixture);
}

static void add_in_colour_makes_control_characters_visible(void **state)
{
    struct fixture fixture;

    begin(&fixture, state, true);
    say(&fixture, 1, "a \033[2Jb");
    say(&fixture, 7, "as slot 1");
    assert_shown(&fixture, "\033[32m1 r9 |\033[0m a \\x1b[2Jb\n"
                           "\033[32m7 r9 |\033[0m as slot 1\n");
    end(&fixture);
}

static void add_with_nul_shows_it_and_keeps_the_whole_line(void **state)
{
    struct fixture fixture;
    const struct output_line *lines[2];

    begin(&fixture, state, false);
    add(&fixture, 1, "a\0b", 3);
    assert_int_equal(output_tail(fixture.output, is_any, NULL, lines, 2), 1);
    assert_string_equal(lines[0]->text, "a?b");
    end(&fixture);
}

static void tail_gives_the_newest_in_order(void **state)
{
    struct fixture fixture;
    const struct output_line *lines[3];
    const uint64_t worker = 2;

    begin(&fixture, state, false);
    say(&fixture, 1, "one");
    say(&fixture, 2, "two");
    say(&fixture, 1, "three");
    say(&fixture, 2, "four");
    say(&fixture, 0, "five");
    assert_int_equal(output_tail(fixture.output, is_any, NULL, lines, 3), 3);
    assert_string_equal(lines[0]->text, "three");
    assert_string_equal(lines[2]->text, "five");
    assert_int_equal(output_tail(fixture.output, is_of_worker, &worker, lines, 3), 2);
    assert_string_equal(lines[0]->text, "two");
    assert_string_equal(lines[1]->text, "four");
    assert_int_equal(output_tail(fixture.output, is_of_worker, &worker, lines, 1), 1);
    assert_string_equal(lines[0]->text, "four");
    assert_int_equal(output_tail(fixture.output, is_any, NULL, lines, 0), 0);
    end(&fixture);
}

static void add_beyond_the_lines_kept_drops_the_oldest(void **state)
{
    struct fixture fixture;
    const struct output_line *lines[LINES_MAX];
    size_t n;

    begin(&fixture, state, false);
    for (int i = 1; i <= LINES_MAX; i++)
        say(&fixture, 0, "x");
    n = output_tail(fixture.output, is_any, NULL, lines, LINES_MAX);
    assert_int_equal(n, 1024);
    assert_int_equal(lines[0]->number, LINES_MAX - 1024 + 1);
    assert_int_equal(lines[n - 1]->number, LINES_MAX);
    assert_int_equal(fixture.heard.n, LINES_MAX);
    end(&fixture);
}

static void add_beyond_the_bytes_kept_drops_the_oldest(void **state)
{
    static char long_line[16 * 1024];
    struct fixture fixture;
    const struct output_line *lines[20];
    size_t n;
    size_t bytes = 0;

    begin(&fixture, state, false);
    memset(long_line, 'x', sizeof(long_line) - 1);
    for (int i = 0; i < 20; i++)
        say(&fixture, 0, long_line);
    n = output_tail(fixture.output, is_any, NULL, lines, 20);
    for (size_t i = 0; i < n; i++)
        bytes += strlen(lines[i]->text) + 1;
    assert_in_range(bytes, 100 * 1024, 128 * 1024);
    assert_int_equal(lines[n - 1]->number, 20);
    end(&fixture);
}

/* A pipe that nobody reads: lines are lost there, counted, and kept for the clients. */
static void add_to_a_full_stdout_loses_lines_and_says_so(void **state)
{
    struct fixture fixture;
    char buffer[70000];
    int pipe_fds[2];
    ssize_t n;
    const char *said;

    begin(&fixture, state, false);
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    redirect_consume(pipe_fds[1]);
    assert_int_equal(fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 4096), 4096);
    for (int i = 0; i < 100; i++)
        say(&fixture, 1, "a line of which the pipe takes some, and then it takes no more");
    assert_int_equal(fixture.heard.n, 100);
    assert_true(read(pipe_fds[0], buffer, sizeof(buffer)) > 0);
    say(&fixture, 1, "after");
    n = read(pipe_fds[0], buffer, sizeof(buffer) - 1);
    assert_true(n > 0);
    buffer[n] = '\0';
    said = strstr(buffer, "reloadd: ");
    assert_non_null(said);
    assert_non_null(strstr(said, "lines were lost here\n1 r9 | after\n"));
    assert_true(said == buffer || said[-1] == '\n');
    (void)close(pipe_fds[0]);
    end(&fixture);
}

/* Of a line longer than the pipe takes, a part was shown: what follows begins a line. */
static void add_after_a_line_cut_short_begins_a_new_one(void **state)
{
    static char long_line[10000];
    struct fixture fixture;
    char buffer[70000];
    int pipe_fds[2];
    ssize_t n;

    begin(&fixture, state, false);
    memset(long_line, 'x', sizeof(long_line) - 1);
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    redirect_consume(pipe_fds[1]);
    assert_int_equal(fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 4096), 4096);
    say(&fixture, 1, long_line);
    assert_int_equal(read(pipe_fds[0], buffer, sizeof(buffer)), 4096);
    say(&fixture, 1, "after");
    n = read(pipe_fds[0], buffer, sizeof(buffer) - 1);
    assert_true(n > 0);
    buffer[n] = '\0';
    assert_string_equal(buffer, "\nreloadd: 1 line was lost here\n1 r9 | after\n");
    (void)close(pipe_fds[0]);
    end(&fixture);
}

static void add_to_a_closed_stdout_goes_on(void **state)
{
    struct fixture fixture;
    int pipe_fds[2];

    (void)signal(SIGPIPE, SIG_IGN);
    begin(&fixture, state, false);
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    redirect_consume(pipe_fds[1]);
    (void)close(pipe_fds[0]);
    say(&fixture, 1, "nobody hears");
    assert_int_equal(fixture.heard.n, 1);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(add_shows_workers_lines_with_their_prefix),
        scratch_test(add_in_colour_makes_control_characters_visible),
        scratch_test(add_with_nul_shows_it_and_keeps_the_whole_line),
        scratch_test(tail_gives_the_newest_in_order),
        scratch_test(add_beyond_the_lines_kept_drops_the_oldest),
        scratch_test(add_beyond_the_bytes_kept_drops_the_oldest),
        scratch_test(add_to_a_full_stdout_loses_lines_and_says_so),
        scratch_test(add_after_a_line_cut_short_begins_a_new_one),
        scratch_test(add_to_a_closed_stdout_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
