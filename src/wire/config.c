#include "wire/config.h"

#include "base/error.h"
#include "wire/address.h"
#include "wire/config_value.h"
#include "wire/locate.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct value_path root = {0};

static int missing(const struct config_reader *reader, const char *path, const char *expected)
{
    int r = config_errors_add(reader->errors, reader->text, reader->size, path,
                              "expected %s, found nothing", expected);

    return r < 0 ? r : 1;
}

static int unknown_key(const struct config_reader *reader, const char *section,
                       const struct value_path *path)
{
    const char *nearest = config_key_nearest(section, path->key);
    const char *home = config_key_home(section, path->key);

    if (nearest != NULL)
        return config_expected_key(reader, path, "a known key (did you mean \"%s\"?)", nearest);
    if (home != NULL && *home == '\0')
        return config_expected_key(reader, path, "a known key (it belongs to the outermost {})");
    if (home != NULL)
        return config_expected_key(reader, path, "a known key (it belongs in \"%s\")", home);
    return config_expected_key(reader, path, "a known key");
}

/* Fills in the defaults of the section "listen" into a struct listener_spec, or all others into a
 * struct spec. They are part of the program: that they can be read is asserted. */
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

static int default_name(size_t index, struct listener_spec *listener)
{
    if (asprintf(&listener->name, "listen%zu", index) < 0) {
        listener->name = NULL;
        return -ENOMEM;
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
            config_is_fatal(&total, config_expected_key(reader, &step,
                                                        "no key of unix sockets where "
                                                        "\"stream\" is a TCP address")))
            return total;
    }
    return total;
}

static int read_listener_object(const struct config_reader *reader,
                                const struct value_path *path, const json_t *object,
                                struct listener_spec *listener)
{
    int total = 0;

    if (config_is_fatal(&total, read_object(reader, "listen", path, object, listener)))
        return total;
    if (json_object_get(object, "stream") == NULL)
        return config_expected(reader, path, object, "the key \"stream\" with an address");
    if (listener->address != NULL && listener->type == LISTENER_TCP)
        (void)config_is_fatal(&total, check_listener_keys(reader, path, object));
    return total;
}

/* Reads one element of "listen". Where errors were added, the address may stay NULL. */
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
    if (listener->name == NULL) {
        r = default_name(path->index, listener);
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
    json_array_foreach(value, i, item) {
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

        if (config_is_fatal(&total, read_member(reader, section, &step,
                                                json_object_iter_value(i), into)))
            return total;
    }
    return total;
}

/* What one number says of another. For a file without errors, so that no default stands in for a
 * wrong value. */
static int check_relations(const struct config_reader *reader, const struct policy *policy)
{
    static const char format[] = "expected %s (%g), found %g";
    const struct {
        bool wrong;
        const char *path;
        const char *expected;
        struct span than;
        struct span found;
    } relations[] = {
        {policy->progress_deadline.nanoseconds <= policy->min_ready.nanoseconds,
         "$.rollout.progress_deadline_seconds", "more than rollout.min_ready_seconds",
         policy->min_ready, policy->progress_deadline},
        {policy->restart_max.nanoseconds < policy->restart_initial.nanoseconds,
         "$.restart.max_delay_seconds", "at least restart.initial_delay_seconds",
         policy->restart_initial, policy->restart_max},
        {policy->readiness == READINESS_DELAY &&
             policy->readiness_timeout.nanoseconds <= policy->readiness_delay.nanoseconds,
         "$.readiness.timeout_seconds", "more than readiness.delay_seconds",
         policy->readiness_delay, policy->readiness_timeout},
    };
    int total = 0;

    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
        int r;

        if (!relations[i].wrong)
            continue;
        r = config_errors_add(reader->errors, reader->text, reader->size, relations[i].path,
                              format, relations[i].expected,
                              span_to_seconds(relations[i].than),
                              span_to_seconds(relations[i].found));
        if (config_is_fatal(&total, r < 0 ? r : 1))
            return r;
    }
    if (policy->max_surge.value == 0 && policy->max_unavailable.value == 0)
        (void)config_is_fatal(&total, missing(reader, "$.rollout.max_surge",
                                              "more than 0, or max_unavailable above 0, for a "
                                              "rollout to move at all"));
    return total;
}

/* Whether an earlier listener has this one's name or address. */
static int check_unique(const struct config_reader *reader, const struct spec *spec, size_t i)
{
    char path[64];
    int total = 0;

    (void)snprintf(path, sizeof(path), "$.listen[%zu]", i);
    for (size_t j = 0; j < i; j++) {
        const struct listener_spec *a = &spec->listeners[j], *b = &spec->listeners[i];
        const char *what = NULL;
        int r;

        if (a->address != NULL && b->address != NULL && strcmp(a->address, b->address) == 0)
            what = "address";
        else if (a->name != NULL && b->name != NULL && strcmp(a->name, b->name) == 0)
            what = "name";
        if (what == NULL)
            continue;
        r = config_errors_add(reader->errors, reader->text, reader->size, path,
                              "expected %s of its own, found %s of listen[%zu] again",
                              *what == 'a' ? "an address" : "a name",
                              *what == 'a' ? b->address : b->name, j);
        if (config_is_fatal(&total, r < 0 ? r : 1))
            return r;
    }
    return total;
}

static bool is_listener(const struct spec *spec, const char *name, size_t n)
{
    for (size_t i = 0; i < spec->listener_n; i++)
        if (strlen(spec->listeners[i].name) == n &&
            strncmp(spec->listeners[i].name, name, n) == 0)
            return true;
    return false;
}

/* Whether each {fd:NAME} of one argument has its listener. */
static int check_placeholders(const struct config_reader *reader, const struct spec *spec,
                              size_t i)
{
    const char *at = spec->exec[i];
    char path[64];
    int total = 0;

    (void)snprintf(path, sizeof(path), "$.exec[%zu]", i);
    while ((at = strstr(at, "{fd:")) != NULL) {
        size_t n = strcspn(at += strlen("{fd:"), "}");
        int r;

        if (at[n] == '\0' || is_listener(spec, at, n))
            continue;
        r = config_errors_add(reader->errors, reader->text, reader->size, path,
                              "expected the name of a listener in {fd:NAME}, found \"%.*s\"",
                              (int)n, at);
        if (config_is_fatal(&total, r < 0 ? r : 1))
            return r;
    }
    return total;
}

static int check_listeners(const struct config_reader *reader, const struct spec *spec)
{
    int total = 0;

    for (size_t i = 0; i < spec->listener_n; i++)
        if (config_is_fatal(&total, check_unique(reader, spec, i)))
            return total;
    return total;
}

int config_check_listeners(const struct spec *spec, const char *text, size_t size,
                           struct config_errors *errors)
{
    struct config_reader reader = {.text = text, .size = size, .errors = errors};
    int total = check_listeners(&reader, spec);

    for (size_t i = 0; total >= 0 && spec->exec != NULL && spec->exec[i] != NULL; i++)
        if (config_is_fatal(&total, check_placeholders(&reader, spec, i)))
            break;
    return total;
}

static int read_root(const struct config_reader *reader, unsigned flags, const json_t *value,
                     struct spec *spec)
{
    int total = 0;

    if (!json_is_object(value))
        return config_expected(reader, &root, value, "an object");
    if (config_is_fatal(&total, read_defaults(false, spec)) ||
        config_is_fatal(&total, read_object(reader, "", &root, value, spec)) ||
        config_is_fatal(&total, check_listeners(reader, spec)))
        return total;
    if (json_object_get(value, "exec") == NULL && (flags & CONFIG_EXEC_OPTIONAL) == 0 &&
        config_is_fatal(&total,
                        missing(reader, "$.exec",
                                "the program to run, such as [\"node\", \"app.js\"]")))
        return total;
    if (total == 0)
        (void)config_is_fatal(&total, check_relations(reader, &spec->policy));
    return total;
}

static int found_duplicate(void *context, const char *path, struct position position,
                           unsigned first_line)
{
    struct config_errors *errors = context;
    int r = config_errors_add_at(errors, position.line, position.column, path,
                                 "expected each key once, found it on line %u already",
                                 first_line);

    if (r < 0)
        return r;
    return errors->n == CONFIG_ERRORS_MAX ? 1 : 0;
}

/* The byte where the token begins that jansson stumbled over: it tells the one behind it, and the
 * token itself at the end of its sentence where it is short ("… near 'TOKEN'"). */
static size_t token_start(const json_error_t *error)
{
    const char *near = strstr(error->text, " near '");
    size_t n = near != NULL ? strlen(near) : 0;
    size_t around = strlen(" near ''");
    size_t position = (size_t)error->position;

    return n > around && n - around <= position ? position - (n - around) : position;
}

static const char *syntax_hint(const char *text, size_t size, size_t at)
{
    size_t before = at;

    while (before > 0 && isspace((unsigned char)text[before - 1]))
        before--;
    if (at < size && (text[at] == '/' || text[at] == '#'))
        return " (JSON has no comments)";
    if (at < size && (text[at] == '}' || text[at] == ']') && before > 0 &&
        text[before - 1] == ',')
        return " (no comma behind the last one)";
    return "";
}

static int add_syntax_error(const struct config_reader *reader, json_error_t *error)
{
    size_t at = token_start(error);
    struct position position = position_at(reader->text, reader->size, at);

    for (char *c = error->text; *c != '\0'; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    return config_errors_add_at(reader->errors, position.line, position.column, "$",
                                "expected JSON, found a mistake: %s%s", error->text,
                                syntax_hint(reader->text, reader->size, at));
}

/* What no parser needs to see. Returns 0, 1 where an error was added, or -ENOMEM. */
static int check_text(const struct config_reader *reader)
{
    const char *text = reader->text;
    const char *nul = memchr(text, '\0', reader->size);
    struct position position = {1, 1};
    const char *found;
    int r;

    if (reader->size > CONFIG_SIZE_MAX) {
        r = config_errors_add_at(reader->errors, 1, 1, "$",
                                 "expected at most %d bytes, found %zu", CONFIG_SIZE_MAX,
                                 reader->size);
        return r < 0 ? r : 1;
    }
    if (reader->size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        found = "a byte order mark";
    } else if (nul != NULL) {
        found = "a NUL byte";
        position = position_at(text, reader->size, (size_t)(nul - text));
    } else {
        for (size_t i = 0; i < reader->size; i++)
            if (!isspace((unsigned char)text[i]))
                return 0;
        found = "an empty file";
    }
    r = config_errors_add_at(reader->errors, position.line, position.column, "$",
                             "expected JSON in UTF-8, found %s", found);
    return r < 0 ? r : 1;
}

static int decode(const struct config_reader *reader, unsigned flags, struct spec *spec)
{
    json_auto_t *value = NULL;
    json_error_t error;
    int total = 0;
    int r = check_text(reader);

    if (r != 0)
        return r;
    /* Not JSON_REJECT_DUPLICATES: it would stop at the first one. */
    r = value_parse(reader->text, reader->size, JSON_DECODE_ANY, &value, &error);
    if (r < 0)
        return r;
    if (r > 0) {
        r = add_syntax_error(reader, &error);
        return r < 0 ? r : 1;
    }
    r = locate_duplicates(reader->text, reader->size, found_duplicate, reader->errors);
    if (r < 0)
        return r;
    total = reader->errors->n > 0 ? 1 : 0;
    (void)config_is_fatal(&total, read_root(reader, flags, value, spec));
    return total;
}

int config_decode(const char *text, size_t size, unsigned flags, struct spec *ret_spec,
                  struct config_errors *errors)
{
    struct config_reader reader = {.text = text, .size = size, .errors = errors};
    struct spec spec = {0};
    int r = decode(&reader, flags, &spec);

    if (r == 0 && (flags & CONFIG_EXEC_OPTIONAL) == 0)
        r = config_check_listeners(&spec, text, size, errors);
    if (r == 0)
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
