#include "wire/config.h"

#include "base/error.h"
#include "wire/config_check.h"
#include "wire/config_syntax.h"
#include "wire/config_value.h"
#include "wire/format.h"

#include <string.h>

static const struct value_path root = {0};

static int unknown_key(const struct config_reader *reader, const char *section,
                       const struct value_path *path)
{
    const char *nearest = config_key_nearest(section, path->key);
    const char *home = config_key_home(section, path->key);
    struct value_path sibling = {.parent = path->parent, .key = nearest};
    struct value_path home_section = {.parent = &root, .key = home};
    struct value_path moved = {.parent = &home_section, .key = path->key};

    if (nearest != NULL)
        return config_expected_key(reader, path, &sibling, "a known key (did you mean \"%s\"?)",
                                   nearest);
    if (home == NULL)
        return config_expected_key(reader, path, NULL, "a known key");
    if (*home != '\0')
        return config_expected_key(reader, path, &moved, "a known key (it belongs in \"%s\")",
                                   home);
    moved.parent = &root;
    return config_expected_key(reader, path, &moved,
                               "a known key (it belongs to the outermost {})");
}

/* Fills in the defaults of the section "listen" into a struct listener_spec, or all others into
 * a struct spec. They are part of the program: that they can be read is asserted. */
static int read_defaults(bool of_listener, void *into)
{
    struct config_errors errors = {0};
    struct config_reader reader = {.text = "", .errors = &errors};

    for (size_t i = 0; i < config_key_n; i++) {
        const struct config_key *key = &config_keys[i];
        json_auto_t *value = NULL;
        json_error_t error;
        int r;

        if (key->initial == NULL || (strcmp(key->section, "listen") == 0) != of_listener)
            continue;
        r = value_parse(key->initial, strlen(key->initial), JSON_DECODE_ANY, &value, &error);
        if (r == 0)
            r = config_read_value(&reader, key, &root, value, into);
        config_errors_release(&errors);
        assert(r <= 0);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_object(const struct config_reader *reader, const char *section,
                       const struct value_path *path, const json_t *object, void *into);

/* What only a unix socket has. */
static int check_listener_keys(const struct config_reader *reader,
                               const struct value_path *path, const json_t *object)
{
    static const char *const unix_keys[] = {"mode", "owner", "group"};
    int total = 0;

    for (size_t i = 0; i < sizeof(unix_keys) / sizeof(unix_keys[0]); i++) {
        struct value_path step = {.parent = path, .key = unix_keys[i]};

        if (json_object_get(object, unix_keys[i]) != NULL &&
            config_is_fatal(
                &total,
                config_expected_key(reader, &step, NULL,
                                    "a key that TCP sockets have (this is for unix sockets)")))
            return total;
    }
    return total;
}

static int read_listener_object(const struct config_reader *reader,
                                const struct value_path *path, const json_t *object,
                                struct listener_spec *listener)
{
    struct value_path stream = {.parent = path, .key = "stream"};
    int total = 0;
    int r;

    if (config_is_fatal(&total, read_object(reader, "listen", path, object, listener)))
        return total;
    if (json_object_get(object, "stream") == NULL) {
        r = config_was_mistaken(reader, &stream);
        if (r == 0)
            r = config_expected(reader, path, object, "the key \"stream\" with an address");
        return r;
    }
    if (listener->address != NULL && listener->type == LISTENER_TCP)
        (void)config_is_fatal(&total, check_listener_keys(reader, path, object));
    return total;
}

/* Reads one element of "listen". Where errors were added, the address may stay NULL, and so may
 * a name that was written wrongly. */
static int read_listener(const struct config_reader *reader, const struct value_path *path,
                         const json_t *value, struct listener_spec *listener)
{
    int r = read_defaults(true, listener);
    int total = 0;

    if (r < 0)
        return r;
    if (json_is_object(value))
        r = read_listener_object(reader, path, value, listener);
    else
        r = config_read_value(reader, config_key_find("listen", "stream"), path, value,
                              listener);
    if (config_is_fatal(&total, r))
        return r;
    if (listener->name == NULL && json_object_get(value, "name") == NULL) {
        r = format_string(&listener->name, "listen%zu", path->index);
        if (r < 0)
            return r;
    }
    return total;
}

static int read_listen(const struct config_reader *reader, const struct config_key *key,
                       const struct value_path *path, const json_t *value, struct spec *spec)
{
    size_t n = json_array_size(value);
    const json_t *item;
    size_t i;
    int total = 0;

    if (!json_is_array(value) || n > (size_t)key->most)
        return config_expected(reader, path, value,
                               "an array of at most %.0f addresses, such as "
                               "[\"127.0.0.1:8080\"]",
                               key->most);
    if (n == 0)
        return 0;
    spec->listeners = calloc(n, sizeof(*spec->listeners));
    if (spec->listeners == NULL)
        return -ENOMEM;
    spec->listener_n = n;
    json_array_foreach(value, i, item)
    {
        struct value_path step = {.parent = path, .index = i};

        if (config_is_fatal(&total, read_listener(reader, &step, item, &spec->listeners[i])))
            return total;
    }
    return total;
}

static int read_member(const struct config_reader *reader, const char *section,
                       const struct value_path *path, const json_t *value, void *into)
{
    const struct config_key *key = config_key_find(section, path->key);

    if (key == NULL)
        return unknown_key(reader, section, path);
    if (key->type == CONFIG_LISTEN)
        return read_listen(reader, key, path, value, into);
    if (key->type != CONFIG_SECTION)
        return config_read_value(reader, key, path, value, into);
    if (!json_is_object(value))
        return config_expected(reader, path, value, "an object");
    return read_object(reader, key->name, path, value, into);
}

static int read_object(const struct config_reader *reader, const char *section,
                       const struct value_path *path, const json_t *object, void *into)
{
    json_t *members = (json_t *)(uintptr_t)object; /* jansson's iterators know no const */
    int total = 0;

    for (void *i = json_object_iter(members); i != NULL;
         i = json_object_iter_next(members, i)) {
        struct value_path step = {.parent = path, .key = json_object_iter_key(i)};

        if (config_is_fatal(
                &total, read_member(reader, section, &step, json_object_iter_value(i), into)))
            return total;
    }
    return total;
}

static int read_root(const struct config_reader *reader, unsigned flags, const json_t *value,
                     struct spec *spec)
{
    const struct config_origin origin = {.text = reader->text, .size = reader->size};
    int total = 0;

    if (config_is_fatal(&total, read_defaults(false, spec)) ||
        config_is_fatal(&total, read_object(reader, "", &root, value, spec)))
        return total;
    spec->discovers =
        spec->delivery != DELIVERY_INHERIT && json_object_get(value, "listen") == NULL;
    if (config_is_fatal(&total, config_check_relations(reader, spec)) ||
        config_is_fatal(&total, config_check_unique(reader, spec)))
        return total;
    if ((flags & CONFIG_LISTEN_ELSEWHERE) == 0 &&
        config_is_fatal(&total, config_check_probe(spec, &origin, reader->errors)))
        return total;
    if ((flags & CONFIG_EXEC_ELSEWHERE) != 0)
        return total;
    if (json_object_get(value, "exec") == NULL &&
        !config_errors_has(reader->errors, "$.exec") &&
        config_is_fatal(&total,
                        config_missing(reader, "$.exec",
                                       "the program to run, such as [\"node\", \"app.js\"]")))
        return total;
    if ((flags & CONFIG_LISTEN_ELSEWHERE) == 0)
        (void)config_is_fatal(&total, config_check_placeholders(spec, &origin, reader->errors));
    return total;
}

static int decode(const struct config_reader *reader, unsigned flags, struct spec *spec)
{
    json_auto_t *value = NULL;
    int total = 0;

    if (config_is_fatal(&total, config_parse(reader, &value)))
        return total;
    if (value == NULL)
        return CONFIG_UNREADABLE;
    if (!json_is_object(value)) {
        int r = config_expected(reader, &root, value, "an object");

        return r < 0 ? r : CONFIG_UNREADABLE;
    }
    (void)config_is_fatal(&total, read_root(reader, flags, value, spec));
    return total;
}

int config_decode(const char *text, size_t size, unsigned flags, struct spec *ret_spec,
                  struct config_errors *errors)
{
    struct config_reader reader = {.text = text, .size = size, .errors = errors};
    struct spec spec = {0};
    int r = decode(&reader, flags, &spec);

    if (r >= 0 && r != CONFIG_UNREADABLE)
        *ret_spec = spec;
    else
        spec_release(&spec);
    return r;
}

int config_decode_listen(const char *text, size_t index, const char *flag,
                         struct listener_spec *ret_listener, struct config_errors *errors)
{
    struct config_reader reader = {.flag = flag, .errors = errors};
    struct value_path path = {.parent = &root, .index = index};
    struct listener_spec listener = {0};
    json_auto_t *value = json_string(text);
    int r;

    if (value == NULL) {
        r = config_errors_add(errors, NULL, 0, flag, "expected an address in UTF-8");
        return r < 0 ? r : 1;
    }
    r = read_listener(&reader, &path, value, &listener);
    if (r == 0)
        *ret_listener = listener;
    else
        listener_spec_release(&listener);
    return r;
}

int config_decode_workers(const char *text, const char *flag, struct spec *ret_spec,
                          struct config_errors *errors)
{
    struct config_reader reader = {.flag = flag, .errors = errors};
    json_auto_t *value = NULL;
    json_error_t error;
    int r = value_parse(text, strlen(text), JSON_DECODE_ANY, &value, &error);

    if (r < 0)
        return r;
    if (r > 0) {
        value = json_string(text);
        if (value == NULL)
            value = json_null();
    }
    return config_read_value(&reader, config_key_find("", "workers"), &root, value, ret_spec);
}
