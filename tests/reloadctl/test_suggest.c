#include "reloadctl/suggest.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *const words[] = {"run", "reload", NULL, "release", "status", "stop"};

static const char *nearest(const char *wrong)
{
    return suggest_nearest(wrong, words, sizeof(words) / sizeof(words[0]));
}

static void nearest_of_a_misspelling_is_found(void **state)
{
    (void)state;
    assert_string_equal(nearest("relaod"), "reload");  /* two letters swapped */
    assert_string_equal(nearest("reloadd"), "reload"); /* one too many */
    assert_string_equal(nearest("staus"), "status");   /* one missing */
    assert_string_equal(nearest("stup"), "stop");      /* one wrong */
    assert_string_equal(nearest("statu"), "status");
    assert_string_equal(nearest("rele"), "release"); /* its beginning */
}

static void nearest_of_something_else_is_none(void **state)
{
    (void)state;
    assert_null(nearest(""));
    assert_null(nearest("x"));
    assert_null(nearest("frobnicate"));
    assert_null(nearest("reloadreloadreloadreloadreloadreloadreload"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_of_a_misspelling_is_found),
        cmocka_unit_test(nearest_of_something_else_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
