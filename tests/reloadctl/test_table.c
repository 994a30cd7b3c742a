#include "reloadctl/table.h"

#include "reloadctl/captured.h"

static void fill(struct table *table, const char *const *cells, size_t n)
{
    for (size_t i = 0; i < n; i++)
        table_add(table, i == 0 ? COLOUR_STRONG : COLOUR_NONE, cells[i]);
}

static void write_pads_all_but_the_last(void **state)
{
    static const char *const cells[] = {"A", "EMPTY", "B", "über", NULL, "x", "", "", "yy"};
    struct table table = {.columns = 3};
    struct captured captured;

    (void)state;
    captured_open(&captured);
    fill(&table, cells, 9);
    table_write(&table, captured.stream, &no_terminal, "> ");
    captured_assert(&captured, "> A     B\n> über  x\n>       yy\n");
    table_release(&table);
}

static void write_with_colours_pads_outside_of_them(void **state)
{
    static const char *const cells[] = {"A", "B", "long\033", "x"};
    const struct terminal terminal = coloured_terminal(80, 24);
    struct table table = {.columns = 2};
    struct captured captured;

    (void)state;
    captured_open(&captured);
    fill(&table, cells, 4);
    table_write(&table, captured.stream, &terminal, "");
    captured_assert(&captured, "\033[1mA\033[0m         B\nlong\\x1b  x\n");
    table_release(&table);
}

static void write_after_failed_allocation_says_so(void **state)
{
    struct table table = {.columns = 2, .error = -12};
    struct captured captured;

    (void)state;
    captured_open(&captured);
    table_write(&table, captured.stream, &no_terminal, "");
    captured_assert(&captured, "(out of memory)\n");
    table_release(&table);
    table_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_pads_all_but_the_last),
        cmocka_unit_test(write_with_colours_pads_outside_of_them),
        cmocka_unit_test(write_after_failed_allocation_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
