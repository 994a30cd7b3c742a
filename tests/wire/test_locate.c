#include "wire/locate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char document[] = "{\n"
                               "  \"a\": [1, [true, \"x,]}\"], {\"b\" : -1.5e3}],\n"
                               "\t\"ü.\\\"[\": {\"c\": null},\n"
                               "  \"d\": 1, \"d\": 2\n"
                               "}\n";

struct place {
    const char *path;
    enum locate_part part;
    int r;
    unsigned line;
    unsigned column;
};

static void locate_each_path_gives_its_place(void **state)
{
    static const struct place places[] = {
        {"$", LOCATE_VALUE, 0, 1, 1},
        {"$.a", LOCATE_KEY, 0, 2, 3},
        {"$.a", LOCATE_VALUE, 0, 2, 8},
        {"$.a[0]", LOCATE_VALUE, 0, 2, 9},
        {"$.a[1][1]", LOCATE_VALUE, 0, 2, 19},
        {"$.a[1][1]", LOCATE_KEY, 0, 2, 19},
        {"$.a[2].b", LOCATE_KEY, 0, 2, 29},
        {"$.a[2].b", LOCATE_VALUE, 0, 2, 35},
        {"$[\"ü.\\\"[\"].c", LOCATE_VALUE, 0, 3, 17},
        /* The last of two is the one that counts. */
        {"$.d", LOCATE_KEY, 0, 4, 11},
        /* Not there: the nearest that is. */
        {"$.e", LOCATE_VALUE, 1, 1, 1},
        {"$.a[3]", LOCATE_VALUE, 1, 2, 8},
        {"$.a.b", LOCATE_VALUE, 1, 2, 8},
        {"$.a[0].x.y", LOCATE_VALUE, 1, 2, 9},
        {"$.a[2].b[0]", LOCATE_VALUE, 1, 2, 35},
        /* No path at all. */
        {"$!", LOCATE_VALUE, 1, 1, 1},
        {"$[", LOCATE_VALUE, 1, 1, 1},
        {"$[-1]", LOCATE_VALUE, 1, 1, 1},
        {"$.a[0", LOCATE_VALUE, 1, 2, 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct position position = {0};

        assert_int_equal(
            locate(document, strlen(document), places[i].path, places[i].part, &position),
            places[i].r);
        if (position.line != places[i].line || position.column != places[i].column)
            fail_msg("%s is at %u:%u", places[i].path, position.line, position.column);
    }
}

static void locate_in_empty_containers_finds_nothing(void **state)
{
    struct position position;

    (void)state;
    assert_int_equal(locate("[]", 2, "$[0]", LOCATE_VALUE, &position), 1);
    assert_int_equal(locate("{}", 2, "$.a", LOCATE_VALUE, &position), 1);
    assert_int_equal(locate("7", 1, "$.a", LOCATE_VALUE, &position), 1);
    assert_int_equal(position.column, 1);
}

static void position_counts_characters_not_bytes(void **state)
{
    static const char text[] = "äö\n€x";

    (void)state;
    assert_int_equal(position_at(text, sizeof(text) - 1, 4).column, 3);
    assert_int_equal(position_at(text, sizeof(text) - 1, 5).line, 2);
    assert_int_equal(position_at(text, sizeof(text) - 1, 8).column, 2);
    assert_int_equal(position_at(text, sizeof(text) - 1, SIZE_MAX).column, 3);
}

static int note(void *context, const char *path, struct position position, unsigned first_line)
{
    char *notes = context;
    size_t n = strlen(notes);

    (void)snprintf(notes + n, 256 - n, "%s %u:%u after %u\n", path, position.line,
                   position.column, first_line);
    return 0;
}

static int refuse(void *context, const char *path, struct position position,
                  unsigned first_line)
{
    unsigned *n = context;

    (void)path;
    (void)position;
    (void)first_line;
    ++*n;
    return 7;
}

static void locate_duplicates_tells_all_at_every_depth(void **state)
{
    static const char text[] = "{\"a\": 1, \"b\": [{}, [], {\"x\": 1,\n \"x\": {\"y\": 1, "
                               "\"y\": 2}}],\n\"\\u0061\": 3, \"a\": 4}";
    char notes[256] = "";

    (void)state;
    assert_int_equal(locate_duplicates(text, sizeof(text) - 1, note, notes), 0);
    assert_string_equal(notes, "$.b[2].x 2:2 after 1\n"
                               "$.b[2].x.y 2:16 after 2\n"
                               "$.a 3:1 after 1\n"
                               "$.a 3:14 after 1\n");
}

static void locate_duplicates_without_any_tells_none(void **state)
{
    static const char text[] = " [ { \"a\" : { \"a\" : [ ] } } , 1 , \"a\" ] ";
    char notes[256] = "";

    (void)state;
    assert_int_equal(locate_duplicates(text, sizeof(text) - 1, note, notes), 0);
    assert_string_equal(notes, "");
}

static void locate_duplicates_refused_stops_at_once(void **state)
{
    static const char text[] = "{\"a\": {\"b\": 1, \"b\": 2}, \"a\": 2, \"a\": 3}";
    unsigned n = 0;

    (void)state;
    assert_int_equal(locate_duplicates(text, sizeof(text) - 1, refuse, &n), 7);
    assert_int_equal(n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locate_each_path_gives_its_place),
        cmocka_unit_test(locate_in_empty_containers_finds_nothing),
        cmocka_unit_test(position_counts_characters_not_bytes),
        cmocka_unit_test(locate_duplicates_tells_all_at_every_depth),
        cmocka_unit_test(locate_duplicates_without_any_tells_none),
        cmocka_unit_test(locate_duplicates_refused_stops_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
