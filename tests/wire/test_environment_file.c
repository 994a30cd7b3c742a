#include "wire/environment_file.h"

#include "wire/fail_allocation.h"
#include "wire/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int note(void *context, unsigned line, const char *found)
{
    char *notes = context;
    size_t n = strlen(notes);

    (void)snprintf(notes + n, 512 - n, "%u: %s\n", line, found);
    return 0;
}

/* Every line that comes of `text`, with "|" between them. */
static void expect(const char *text, const char *expected)
{
    char notes[512] = "", joined[512] = "";
    char **environment = NULL;

    assert_int_equal(environment_file_decode(text, strlen(text), note, notes, &environment), 0);
    assert_string_equal(notes, "");
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++) {
        size_t n = strlen(joined);

        (void)snprintf(joined + n, sizeof(joined) - n, "%s|", environment[i]);
    }
    assert_string_equal(joined, expected);
    strings_free(environment);
}

static void decode_good_lines_follows_systemd(void **state)
{
    static const char *const good[][2] = {
        {"", ""},
        {"\n\n  \n", ""},
        {"# a=b\n;c=d \\\nA=1", "A=1|"},
        {"A=1\nB=2\n", "A=1|B=2|"},
        {"  A = 1  \r\nB=2\r\n", "A=1|B=2|"},
        {"A=", "A=|"},
        {"A=x y\tz \t", "A=x y\tz|"},
        {"A=x # no comment", "A=x # no comment|"},
        {"A=\"x \\\"y\\\" \\$HOME \\\\ \\`\" ", "A=x \"y\" $HOME \\ `|"},
        {"A=\"\\n\"", "A=\\n|"},
        {"A='x \\'\nB=1", "A=x \\|B=1|"},
        {"A='x'\"y\" z", "A=xyz|"},
        {"A=x\"y\"", "A=x\"y\"|"},
        {"A=\"two\nlines\"", "A=two\nlines|"},
        {"A=\"one \\\nline\"", "A=one line|"},
        {"A=one \\\nline", "A=one line|"},
        {"A=one \\\r\nline", "A=one line|"},
        {"A=\\a\\\\\\ ", "A=a\\ |"},
        {"A=1\nB=2\nA=3", "A=3|B=2|"},
        {"A=b=c", "A=b=c|"},
        {"A=\xff", "A=\xff|"},
        {"A=1\\", "A=1|"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        expect(good[i][0], good[i][1]);
}

static void decode_mistakes_tells_all_lines(void **state)
{
    static const char text[] = "A=1\nword\nexport B=2\n3=x\n=y\nLISTEN_FDS=1\nC=\0x\nD='\nE=1";
    char notes[512] = "";
    char **environment = NULL;

    (void)state;
    assert_int_equal(environment_file_decode(text, sizeof(text) - 1, note, notes, &environment),
                     1);
    assert_null(environment);
    assert_string_equal(notes, "2: a line without \"=\"\n"
                               "3: a name of other characters than letters, digits and \"_\"\n"
                               "4: a name of other characters than letters, digits and \"_\"\n"
                               "5: a name of other characters than letters, digits and \"_\"\n"
                               "6: a variable that reloadd sets itself, or keeps back\n"
                               "7: a NUL byte\n"
                               "8: a quote that is not closed\n");
}

static int refuse(void *context, unsigned line, const char *found)
{
    (void)context;
    (void)line;
    (void)found;
    return -ENOMEM;
}

static void decode_complaint_refused_stops(void **state)
{
    char **environment = NULL;

    (void)state;
    assert_int_equal(environment_file_decode("A=1\nx\ny", 7, refuse, NULL, &environment),
                     -ENOMEM);
    assert_null(environment);
}

static void decode_out_of_memory_says_so(void **state)
{
    static const char text[] = "A=1\nB='two'\nC=\"three\"\nA=\\4";
    int r = -ENOMEM;

    (void)state;
    for (long n = 0; r == -ENOMEM; n++) {
        char notes[512] = "";
        char **environment = NULL;

        fail_allocation_after(n);
        r = environment_file_decode(text, sizeof(text) - 1, note, notes, &environment);
        fail_no_allocation();
        assert_true(r == 0 || r == -ENOMEM);
        strings_free(environment);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_good_lines_follows_systemd),
        cmocka_unit_test(decode_mistakes_tells_all_lines),
        cmocka_unit_test(decode_complaint_refused_stops),
        cmocka_unit_test(decode_out_of_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
