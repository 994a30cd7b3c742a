#include "wire/locate.h"

#include "base/error.h"
#include "wire/json.h"

#include <stdbool.h>
#include <string.h>

struct cursor {
    const char *text;
    size_t size;
    size_t at;
};

/* One step of a path: a key, or an index where the key is NULL. */
struct step {
    char *key;
    size_t index;
};

struct duplicate_search {
    int (*found)(void *context, const char *path, struct position position,
                 unsigned first_line);
    void *context;
};

struct position position_at(const char *text, size_t size, size_t offset)
{
    struct position position = {1, 1};

    for (size_t i = 0; i < offset && i < size; i++) {
        if (text[i] == '\n') {
            position.line++;
            position.column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            position.column++;
        }
    }
    return position;
}

/* The byte here, or 0 at the end. */
static char cursor_peek(const struct cursor *cursor)
{
    return cursor->at < cursor->size ? cursor->text[cursor->at] : '\0';
}

static void cursor_skip_space(struct cursor *cursor)
{
    while (cursor->at < cursor->size && strchr(" \t\r\n", cursor->text[cursor->at]) != NULL)
        cursor->at++;
}

/* Skips one byte of punctuation where it is `c`, and space on both sides. */
static bool cursor_skip(struct cursor *cursor, char c)
{
    cursor_skip_space(cursor);
    if (cursor_peek(cursor) != c)
        return false;
    cursor->at++;
    cursor_skip_space(cursor);
    return true;
}

/* Reads over one value. Returns 0, 1 where there is none, or -ENOMEM. */
static int cursor_read(struct cursor *cursor, json_t **ret_value)
{
    json_error_t error;
    int r = value_parse(cursor->text + cursor->at, cursor->size - cursor->at,
                        JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, ret_value, &error);

    if (r == 0)
        cursor->at += (size_t)error.position;
    return r;
}

static int cursor_skip_value(struct cursor *cursor)
{
    json_auto_t *value = NULL;

    return cursor_read(cursor, &value);
}

/* Reads `"key":`, up to the value. */
static int cursor_read_key(struct cursor *cursor, json_t **ret_key)
{
    json_auto_t *key = NULL;
    int r = cursor_read(cursor, &key);

    if (r != 0)
        return r;
    if (!json_is_string(key) || !cursor_skip(cursor, ':'))
        return 1;
    *ret_key = take_ptr(key);
    return 0;
}

/* Moves from an object to the value of its last `key`. Returns 0, 1 where it has none, -ENOMEM.
 */
static int enter_key(struct cursor *cursor, const char *key, size_t *ret_key_at)
{
    size_t value_at = 0;

    if (!cursor_skip(cursor, '{'))
        return 1;
    while (cursor_peek(cursor) == '"') {
        json_auto_t *name = NULL;
        size_t key_at = cursor->at;
        int r = cursor_read_key(cursor, &name);

        if (r != 0)
            return r;
        if (strcmp(json_string_value(name), key) == 0) {
            *ret_key_at = key_at;
            value_at = cursor->at;
        }
        r = cursor_skip_value(cursor);
        if (r != 0)
            return r;
        if (!cursor_skip(cursor, ','))
            break;
    }
    cursor->at = value_at;
    return value_at != 0 ? 0 : 1;
}

static int enter_index(struct cursor *cursor, size_t index)
{
    if (!cursor_skip(cursor, '['))
        return 1;
    for (; index > 0; index--) {
        int r = cursor_skip_value(cursor);

        if (r != 0)
            return r;
        if (!cursor_skip(cursor, ','))
            return 1;
    }
    return cursor_peek(cursor) != ']' ? 0 : 1;
}

/* Takes one step off the front of a path. Returns 0, 1 where it is no path, or -ENOMEM. */
static int step_parse(const char **path, struct step *ret_step)
{
    struct cursor cursor = {*path, strlen(*path), 1};
    json_auto_t *inner = NULL;
    size_t end;
    int r;

    if (**path == '.') {
        end = strcspn(*path + 1, ".[");
        *ret_step = (struct step){.key = strndup(*path + 1, end)};
        *path += 1 + end;
        return ret_step->key == NULL ? -ENOMEM : 0;
    }
    if (**path != '[')
        return 1;
    r = cursor_read(&cursor, &inner);
    if (r != 0)
        return r;
    if (cursor_peek(&cursor) != ']')
        return 1;
    *path += cursor.at + 1;
    if (json_is_integer(inner) && json_integer_value(inner) >= 0) {
        *ret_step = (struct step){.index = (size_t)json_integer_value(inner)};
        return 0;
    }
    if (!json_is_string(inner))
        return 1;
    *ret_step = (struct step){.key = strdup(json_string_value(inner))};
    return ret_step->key == NULL ? -ENOMEM : 0;
}

int locate(const char *text, size_t size, const char *path, enum locate_part part,
           struct position *ret_position)
{
    struct cursor cursor = {text, size, 0};
    size_t value_at, key_at;
    int r = 0;

    cursor_skip_space(&cursor);
    value_at = key_at = cursor.at;
    if (*path == '$')
        path++;
    while (*path != '\0' && r == 0) {
        struct step step = {0};
        size_t entered_key_at = 0;

        r = step_parse(&path, &step);
        if (r == 0 && step.key != NULL)
            r = enter_key(&cursor, step.key, &entered_key_at);
        else if (r == 0)
            r = enter_index(&cursor, step.index);
        if (r == 0) {
            value_at = cursor.at;
            key_at = step.key != NULL ? entered_key_at : cursor.at;
        }
        free(step.key);
    }
    if (r < 0)
        return r;
    *ret_position = position_at(text, size, part == LOCATE_KEY ? key_at : value_at);
    return r;
}

static int search_value(const struct duplicate_search *search, struct cursor *cursor,
                        const struct value_path *path);

/* Notes a key, and tells of it where it has been noted before. */
static int search_key(const struct duplicate_search *search, const struct cursor *cursor,
                      json_t *seen, size_t key_at, const struct value_path *path)
{
    const json_t *first = json_object_get(seen, path->key);
    _cleanup_free_ char *text = NULL;
    size_t first_at;
    int r;

    if (first == NULL)
        return json_object_set_new(seen, path->key, json_integer((json_int_t)key_at)) < 0
                   ? -ENOMEM
                   : 0;
    first_at = (size_t)json_integer_value(first);
    r = value_path_format(path, &text);
    if (r < 0)
        return r;
    return search->found(search->context, text, position_at(cursor->text, cursor->size, key_at),
                         position_at(cursor->text, cursor->size, first_at).line);
}

static int search_object(const struct duplicate_search *search, struct cursor *cursor,
                         const struct value_path *path)
{
    json_auto_t *seen = json_object();

    if (seen == NULL)
        return -ENOMEM;
    while (cursor_peek(cursor) == '"') {
        json_auto_t *key = NULL;
        struct value_path step = {.parent = path};
        size_t key_at = cursor->at;
        int r = cursor_read_key(cursor, &key);

        if (r != 0)
            return r;
        step.key = json_string_value(key);
        r = search_key(search, cursor, seen, key_at, &step);
        if (r == 0)
            r = search_value(search, cursor, &step);
        if (r != 0)
            return r;
        if (!cursor_skip(cursor, ','))
            break;
    }
    (void)cursor_skip(cursor, '}');
    return 0;
}

static int search_array(const struct duplicate_search *search, struct cursor *cursor,
                        const struct value_path *path)
{
    struct value_path step = {.parent = path};

    while (cursor->at < cursor->size && cursor_peek(cursor) != ']') {
        int r = search_value(search, cursor, &step);

        if (r != 0)
            return r;
        step.index++;
        if (!cursor_skip(cursor, ','))
            break;
    }
    (void)cursor_skip(cursor, ']');
    return 0;
}

/* Recursion is as deep as the text is nested, which jansson limits to 2048. */
static int search_value(const struct duplicate_search *search, struct cursor *cursor,
                        const struct value_path *path)
{
    if (cursor_skip(cursor, '{'))
        return search_object(search, cursor, path);
    if (cursor_skip(cursor, '['))
        return search_array(search, cursor, path);
    return cursor_skip_value(cursor);
}

int locate_duplicates(const char *text, size_t size,
                      int (*found)(void *context, const char *path, struct position position,
                                   unsigned first_line),
                      void *context)
{
    struct duplicate_search search = {found, context};
    struct value_path root = {0};
    struct cursor cursor = {text, size, 0};

    return search_value(&search, &cursor, &root);
}
