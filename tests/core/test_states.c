#include "states.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DOCUMENT_MAX = 65536 };

static char *read_document(void)
{
    char path[4096];
    char *text = calloc(1, DOCUMENT_MAX);
    const char *slash = strrchr(__FILE__, '/');
    FILE *file;

    assert_non_null(text);
    assert_non_null(slash);
    (void)snprintf(path, sizeof(path), "%.*s/../../docs/STATES.md", (int)(slash - __FILE__),
                   __FILE__);
    file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, DOCUMENT_MAX - 1, file) > 0);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void print_states_is_what_the_document_says(void **state)
{
    char *document = read_document();
    char *printed = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&printed, &size);

    (void)state;
    assert_non_null(file);
    states_print(file);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(printed, document);
    free(printed);
    free(document);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(print_states_is_what_the_document_says),
    };

    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        states_print(stdout);
        return EXIT_SUCCESS;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
