#include "loop/lines.h"

#include "base/error.h"
#include "base/text.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Writes down what it was told: "text|" for a whole line, "text+" for a cut one, "." for the
 * end. */
struct fixture {
    struct loop *loop;
    struct lines *lines;
    int write_end;
    struct text told;
    size_t line_n;
    size_t largest;
    size_t free_at; /* the line at which it is freed; 0: never */
};

static void on_line(void *user, const char *text, size_t size, enum line_end end)
{
    struct fixture *fixture = user;
    assert_true(size <= LINE_SIZE_MAX);
    if (size > fixture->largest)
        fixture->largest = size;
    assert_int_equal(text_append_visible(&fixture->told, text, size), 0);
    assert_int_equal(text_append(&fixture->told, end == LINE_CUT ? "+" : "|", 1), 0);
    if (++fixture->line_n == fixture->free_at) {
        lines_free(fixture->lines);
        fixture->lines = NULL;
    }
}

static void on_lines_closed(void *user)
{
    struct fixture *fixture = user;
    assert_int_equal(text_append(&fixture->told, ".", 1), 0);
}

static const struct lines_handlers handlers = {.line = on_line, .closed = on_lines_closed};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    int ends[2];
    assert_int_equal(loop_new(&fixture.loop), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fixture.write_end = ends[1];
    assert_int_equal(lines_new_take(fixture.loop, ends[0], &handlers, &fixture, &fixture.lines),
                     0);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    lines_free(fixture->lines);
    loop_free(fixture->loop);
    fixture->write_end = close_fd(fixture->write_end);
    text_release(&fixture->told);
    return 0;
}

static void write_whole(struct fixture *fixture, const char *data, size_t size)
{
    assert_int_equal(write(fixture->write_end, data, size), size);
}

static void write_repeated(struct fixture *fixture, char byte, size_t size)
{
    char block[4096];
    memset(block, byte, sizeof(block));
    for (size_t rest = size; rest > 0;) {
        size_t part = rest < sizeof(block) ? rest : sizeof(block);
        write_whole(fixture, block, part);
        rest -= part;
    }
}

/* Lets the loop tell all that was written, up to the end. */
static const char *run_to_end(struct fixture *fixture)
{
    fixture->write_end = close_fd(fixture->write_end);
    assert_int_equal(loop_run(fixture->loop), 1);
    return text_string(&fixture->told);
}

static void read_lines_tells_each_and_flushes_the_last(void **state)
{
    struct fixture *fixture = *state;
    write_whole(fixture, "one\n\ntwo\nthr", 12);
    write_whole(fixture, "ee", 2);
    assert_string_equal(run_to_end(fixture), "one||two|three|.");
}

static void read_nothing_tells_the_end_alone(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(run_to_end(fixture), ".");
}

static void read_binary_keeps_every_byte(void **state)
{
    struct fixture *fixture = *state;
    write_whole(fixture, "a\0b\r\n\377\n", 7);
    assert_string_equal(run_to_end(fixture), "a\\x00b\\x0d|\377|.");
}

static void read_longest_line_is_whole(void **state)
{
    struct fixture *fixture = *state;
    write_repeated(fixture, 'x', LINE_SIZE_MAX);
    write_whole(fixture, "\nnext\n", 6);
    const char *told = run_to_end(fixture);
    assert_int_equal(fixture->line_n, 2);
    assert_string_equal(told + LINE_SIZE_MAX, "|next|.");
}

static void read_too_long_line_is_cut_and_said(void **state)
{
    struct fixture *fixture = *state;
    write_repeated(fixture, 'x', 2 * LINE_SIZE_MAX + 3);
    write_whole(fixture, "\nnext\n", 6);
    const char *told = run_to_end(fixture);
    assert_int_equal(fixture->line_n, 4);
    assert_int_equal(fixture->largest, LINE_SIZE_MAX);
    assert_int_equal(told[LINE_SIZE_MAX], '+');
    assert_int_equal(told[2 * LINE_SIZE_MAX + 1], '+');
    assert_string_equal(told + 2 * LINE_SIZE_MAX + 2, "xxx|next|.");
}

static void drain_hands_on_what_is_there_while_a_writer_lives(void **state)
{
    struct fixture *fixture = *state;
    write_whole(fixture, "last\nwor", 8);
    lines_drain(fixture->lines);
    assert_string_equal(text_string(&fixture->told), "last|wor|");
    lines_drain(fixture->lines); /* nothing there: does not wait */
    assert_string_equal(run_to_end(fixture), "last|wor|.");
}

static void free_in_a_line_tells_nothing_more(void **state)
{
    struct fixture *fixture = *state;
    fixture->free_at = 1;
    write_whole(fixture, "one\ntwo\nthree", 13);
    assert_string_equal(run_to_end(fixture), "one|");
}

static void free_in_a_line_of_a_drain_tells_nothing_more(void **state)
{
    struct fixture *fixture = *state;
    fixture->free_at = 2;
    write_whole(fixture, "one\ntwo\nthree\nfour", 18);
    lines_drain(fixture->lines);
    assert_string_equal(text_string(&fixture->told), "one|two|");
}

/* A second pipe that never runs dry: its reader fills it again at every line. */
struct chatterer {
    struct lines *lines;
    struct fixture *other;
    int write_end;
    size_t line_n;
};

static void on_chatter(void *user, const char *text, size_t size, enum line_end end)
{
    struct chatterer *chatterer = user;
    (void)text;
    (void)size;
    (void)end;
    chatterer->line_n++;
    if (chatterer->other->told.size > 0) { /* the quiet one had its turn */
        chatterer->write_end = close_fd(chatterer->write_end);
        return;
    }
    assert_int_equal(write(chatterer->write_end, "more\n", 5), 5);
    assert_true(chatterer->line_n < 100000); /* else it starves the other one */
}

static void read_endless_writer_starves_nobody(void **state)
{
    struct fixture *fixture = *state;
    static const struct lines_handlers chatter_handlers = {.line = on_chatter};
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct chatterer chatterer = {.other = fixture, .write_end = ends[1]};
    assert_int_equal(
        lines_new_take(fixture->loop, ends[0], &chatter_handlers, &chatterer, &chatterer.lines),
        0);
    assert_int_equal(write(chatterer.write_end, "first\n", 6), 6);
    write_whole(fixture, "quiet\n", 6);
    assert_string_equal(run_to_end(fixture), "quiet|.");
    lines_free(chatterer.lines);
    (void)close_fd(chatterer.write_end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(read_lines_tells_each_and_flushes_the_last, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(read_nothing_tells_the_end_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(read_binary_keeps_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(read_longest_line_is_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(read_too_long_line_is_cut_and_said, setup, teardown),
        cmocka_unit_test_setup_teardown(drain_hands_on_what_is_there_while_a_writer_lives,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(free_in_a_line_tells_nothing_more, setup, teardown),
        cmocka_unit_test_setup_teardown(free_in_a_line_of_a_drain_tells_nothing_more, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(read_endless_writer_starves_nobody, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
