#include "reloadctl/region.h"

#include "reloadctl/captured.h"

static void draw_again_replaces_what_was_drawn(void **state)
{
    const struct terminal terminal = coloured_terminal(80, 24);
    struct region region = {0};
    struct captured captured;

    (void)state;
    captured_open(&captured);
    region_draw(&region, captured.stream, &terminal, "one\ntwo\n");
    region_draw(&region, captured.stream, &terminal, "three\n");
    region_erase(&region, captured.stream);
    region_erase(&region, captured.stream);
    captured_assert(&captured, "one\ntwo\n\033[2F\033[Jthree\n\033[1F\033[J");
}

static void draw_of_long_lines_cuts_them_but_ends_colours(void **state)
{
    const struct terminal terminal = coloured_terminal(5, 24);
    struct region region = {0};
    struct captured captured;

    (void)state;
    captured_open(&captured);
    region_draw(&region, captured.stream, &terminal, "ab\033[32mcdefgh\033[0mij\nüüüüüü\n");
    captured_assert(&captured, "ab\033[32mcde\033[0m\nüüüüü\n");
}

static void draw_of_many_lines_leaves_the_rest_out(void **state)
{
    const struct terminal terminal = coloured_terminal(80, 3);
    struct region region = {0};
    struct captured captured;

    (void)state;
    captured_open(&captured);
    region_draw(&region, captured.stream, &terminal, "1\n2\n3\n4\n");
    assert_int_equal(region.lines, 2);
    captured_assert(&captured, "1\n2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draw_again_replaces_what_was_drawn),
        cmocka_unit_test(draw_of_long_lines_cuts_them_but_ends_colours),
        cmocka_unit_test(draw_of_many_lines_leaves_the_rest_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
