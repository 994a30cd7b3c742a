#include "wire/config_value.h"

#include "base/error.h"
#include "base/text.h"
#include "wire/address.h"
#include "wire/config.h"
#include "wire/environment.h"
#include "wire/expect.h"
#include "wire/format.h"
#include "wire/names.h"
#include "wire/size.h"
#include "wire/strings.h"

#include <ctype.h>
#include <math.h>
#include <signal.h>
#include <string.h>

enum {
    NAME_LENGTH_MAX = 255,   /* sd_pid_notify_with_fds(3), FDNAME= */
    ACCOUNT_LENGTH_MAX = 31, /* utmp(5), and what useradd(8) takes */
    MODE_MOST = 0777,
    TARGET_LENGTH_MAX = 1024,
};

static int replace_string(char **place, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        return -ENOMEM;
    free(*place);
    *place = copy;
    return 0;
}

typedef int read_value(const struct config_reader *reader, const struct config_key *key,
                       const struct value_path *path, const json_t *value, void *place);

static int read_ignored(const struct config_reader *reader, const struct config_key *key,
                        const struct value_path *path, const json_t *value, void *place)
{
    (void)key;
    (void)place;
    return json_is_string(value) ? 0 : config_expected(reader, path, value, "a string");
}

/* Takes the words that are right, each in its place: the first one can then still be looked
 * for. */
static int read_command(const struct config_reader *reader, const struct config_key *key,
                        const struct value_path *path, const json_t *value, void *place)
{
    size_t n = json_array_size(value);
    _cleanup_free_ const char **command = NULL;
    char **copy;
    int total = 0;
    int r;

    (void)key;
    if (n == 0)
        return config_expected(
            reader, path, value,
            "an array of strings, the program first, such as [\"node\", \"app.js\"]");
    command = calloc(n, sizeof(*command));
    if (command == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct value_path step = {.parent = path, .index = i};
        const json_t *item = json_array_get(value, i);

        r = 0;
        command[i] = json_is_string(item) ? json_string_value(item) : "";
        if (!json_is_string(item))
            r = config_expected(reader, &step, item, "a string");
        else if (i == 0 && *command[i] == '\0')
            r = config_expected(reader, &step, item, "the name of a program");
        if (config_is_fatal(&total, r))
            return r;
    }
    r = strings_copy(command, n, &copy);
    if (r < 0)
        return r;
    strings_free(*(char ***)place);
    *(char ***)place = copy;
    return total;
}

static int read_path(const struct config_reader *reader, const struct config_key *key,
                     const struct value_path *path, const json_t *value, void *place)
{
    const char *text = json_string_value(value);

    (void)key;
    if (text == NULL || *text == '\0')
        return config_expected(reader, path, value, "a path");
    return replace_string(place, text);
}

static bool is_account(const char *text)
{
    size_t n = strlen(text);

    if (n == 0 || n > ACCOUNT_LENGTH_MAX || *text == '-')
        return false;
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && strchr("_-.$", *text) == NULL)
            return false;
    return true;
}

static int read_account(const struct config_reader *reader, const struct config_key *key,
                        const struct value_path *path, const json_t *value, void *place)
{
    const char *text = json_string_value(value);

    if (text == NULL || !is_account(text))
        return config_expected(reader, path, value, "the name or number of a %s, as a string",
                               strcmp(key->name, "group") == 0 ? "group" : "user");
    return replace_string(place, text);
}

static int read_variable(const struct config_reader *reader, const struct value_path *path,
                         const json_t *value, char ***environment)
{
    const char *name = path->key;
    _cleanup_free_ char *entry = NULL;
    int r;

    if (!environment_name_is_valid(name, strlen(name)))
        return config_expected_key(reader, path, NULL,
                                   "a variable's name of letters, digits and \"_\"");
    if (environment_is_reserved(name))
        return config_expected_key(
            reader, path, NULL,
            "a variable of the program's own (reloadd sets this one, or keeps it "
            "back)");
    if (!json_is_string(value))
        return config_expected(reader, path, value, "a string (in quotes)");
    r = format_string(&entry, "%s=%s", name, json_string_value(value));
    return r < 0 ? r : environment_append(environment, entry);
}

static int read_variables(const struct config_reader *reader, const struct config_key *key,
                          const struct value_path *path, const json_t *value, void *place)
{
    _cleanup_strings_ char **environment = NULL;
    int total = 0;

    (void)key;
    if (!json_is_object(value))
        return config_expected(reader, path, value,
                               "an object of strings, such as {\"NODE_ENV\": \"production\"}");
    for (void *i = json_object_iter((json_t *)(uintptr_t)value); i != NULL;
         i = json_object_iter_next((json_t *)(uintptr_t)value, i)) {
        struct value_path step = {.parent = path, .key = json_object_iter_key(i)};
        int r = read_variable(reader, &step, json_object_iter_value(i), &environment);

        if (config_is_fatal(&total, r))
            return r;
    }
    strings_free(*(char ***)place);
    *(char ***)place = take_ptr(environment);
    return total;
}

static int read_workers(const struct config_reader *reader, const struct config_key *key,
                        const struct value_path *path, const json_t *value, void *place)
{
    struct spec *spec = place;
    const char *text = json_string_value(value);
    json_int_t count = json_integer_value(value);

    if (text != NULL && strcmp(text, "max") == 0) {
        spec->workers_type = WORKERS_MAX_OF_PROCESSORS;
        spec->policy.workers = 0;
    } else if (text != NULL && strcmp(text, "max-1") == 0) {
        spec->workers_type = WORKERS_MAX_OF_PROCESSORS_BUT_1;
        spec->policy.workers = 0;
    } else if (json_is_integer(value) && count >= (json_int_t)key->least &&
               count <= (json_int_t)key->most) {
        spec->workers_type = WORKERS_COUNT;
        spec->policy.workers = (uint32_t)count;
    } else {
        return config_expected(reader, path, value,
                               "a number from %.0f to %.0f, \"max\" or \"max-1\"", key->least,
                               key->most);
    }
    return 0;
}

static int read_readiness(const struct config_reader *reader, const struct config_key *key,
                          const struct value_path *path, const json_t *value, void *place)
{
    const char *text = json_string_value(value);
    enum readiness readiness = text != NULL ? readiness_from_name(text) : READINESS_N;

    (void)key;
    if (readiness == READINESS_N)
        return config_expected(reader, path, value,
                               "\"auto\", \"notify\", \"delay\", \"http\" or \"tcp\"");
    *(enum readiness *)place = readiness;
    return 0;
}

static int read_drain_wait(const struct config_reader *reader, const struct config_key *key,
                           const struct value_path *path, const json_t *value, void *place)
{
    const char *text = json_string_value(value);
    enum drain_wait wait = text != NULL ? drain_wait_from_name(text) : DRAIN_WAIT_N;

    (void)key;
    if (wait == DRAIN_WAIT_N)
        return config_expected(reader, path, value, "\"auto\", \"queue\" or \"quiet\"");
    *(enum drain_wait *)place = wait;
    return 0;
}

static int read_polite(const struct config_reader *reader, const struct config_key *key,
                       const struct value_path *path, const json_t *value, void *place)
{
    const char *text = json_string_value(value);

    (void)key;
    if (text == NULL || (strcmp(text, "auto") != 0 && strcmp(text, "off") != 0))
        return config_expected(reader, path, value, "\"auto\" or \"off\"");
    *(bool *)place = strcmp(text, "off") == 0;
    return 0;
}

/* Whether the text may stand in a request as it is: no space, no control character. */
static bool is_visible(const char *text, size_t most)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++)
        if (!isgraph((unsigned char)text[i]))
            return false;
    return n > 0 && n <= most;
}

static int read_target(const struct config_reader *reader, const struct config_key *key,
                       const struct value_path *path, const json_t *value, void *place)
{
    const char *text = json_string_value(value);

    (void)key;
    if (text == NULL || *text != '/' || !is_visible(text, TARGET_LENGTH_MAX))
        return config_expected(reader, path, value,
                               "a path such as \"/healthz\", at most %d letters, with what "
                               "is not ASCII as %%XX",
                               TARGET_LENGTH_MAX);
    return replace_string(place, text);
}

static int read_host(const struct config_reader *reader, const struct config_key *key,
                     const struct value_path *path, const json_t *value, void *place)
{
    const char *text = json_string_value(value);

    (void)key;
    if (text == NULL || !is_visible(text, NAME_LENGTH_MAX))
        return config_expected(reader, path, value,
                               "a name for the Host header, such as \"web.example\"");
    return replace_string(place, text);
}

/* One status, as "2xx", "200" or 200. */
static int add_status(const struct config_reader *reader, const struct value_path *path,
                      const json_t *value, struct text *list)
{
    _cleanup_text_ struct text status = {0};
    int r = json_is_integer(value)
                ? text_appendf(&status, "%" JSON_INTEGER_FORMAT, json_integer_value(value))
                : text_append_string(&status,
                                     json_is_string(value) ? json_string_value(value) : "");

    if (r < 0)
        return r;
    if (!expect_is_valid(text_string(&status)))
        return config_expected(reader, path, value,
                               "an HTTP status such as \"2xx\", \"204\" or \"200,3xx\"");
    return text_appendf(list, "%s%s", list->size > 0 ? "," : "", text_string(&status));
}

static int read_expect(const struct config_reader *reader, const struct config_key *key,
                       const struct value_path *path, const json_t *value, void *place)
{
    _cleanup_text_ struct text list = {0};
    int total = 0;

    (void)key;
    if (!json_is_array(value))
        (void)config_is_fatal(&total, add_status(reader, path, value, &list));
    else if (json_array_size(value) == 0)
        return config_expected(reader, path, value, "at least one HTTP status");
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        struct value_path step = {.parent = path, .index = i};

        if (config_is_fatal(&total, add_status(reader, &step, json_array_get(value, i), &list)))
            break;
    }
    return total != 0 ? total : replace_string(place, text_string(&list));
}

static int read_delivery(const struct config_reader *reader, const struct config_key *key,
                         const struct value_path *path, const json_t *value, void *place)
{
    const char *text = json_string_value(value);
    enum delivery delivery = text != NULL ? delivery_from_name(text) : DELIVERY_N;

    (void)key;
    if (delivery == DELIVERY_N)
        return config_expected(reader, path, value, "\"auto\", \"inherit\" or \"capture\"");
    *(enum delivery *)place = delivery;
    return 0;
}

static int read_dispatch(const struct config_reader *reader, const struct config_key *key,
                         const struct value_path *path, const json_t *value, void *place)
{
    const char *text = json_string_value(value);
    enum dispatch dispatch = text != NULL ? dispatch_from_name(text) : DISPATCH_N;

    (void)key;
    if (dispatch == DISPATCH_N)
        return config_expected(reader, path, value, "\"auto\" or \"shared\"");
    *(enum dispatch *)place = dispatch;
    return 0;
}

static int read_dialects(const struct config_reader *reader, const struct config_key *key,
                         const struct value_path *path, const json_t *value, void *place)
{
    uint32_t dialects = 0;
    const json_t *item;
    size_t i;
    int total = 0;

    (void)key;
    if (!json_is_array(value))
        return config_expected(reader, path, value, "an array of names");
    json_array_foreach(value, i, item)
    {
        struct value_path step = {.parent = path, .index = i};
        uint32_t dialect =
            json_is_string(item) ? dialect_from_name(json_string_value(item)) : 0;

        dialects |= dialect;
        if (dialect == 0 &&
            config_is_fatal(&total, config_expected(reader, &step, item,
                                                    "listen_fds, server_starter, einhorn, "
                                                    "nginx, php_fpm, unicorn, puma or stdin, "
                                                    "in quotes")))
            return total;
    }
    if (total == 0)
        *(uint32_t *)place = dialects;
    return total;
}

static int read_seconds(const struct config_reader *reader, const struct config_key *key,
                        const struct value_path *path, const json_t *value, void *place)
{
    double seconds = json_number_value(value);

    if (!json_is_number(value) || !(seconds >= key->least && seconds <= key->most))
        return config_expected(reader, path, value, "a number of seconds from %g to %.0f",
                               key->least, key->most);
    *(struct span *)place = (struct span){(uint64_t)llround(seconds * 1e9)};
    return 0;
}

/* The number before "%", or -1 where the text is no percentage from 0 to 100. */
static int percentage(const char *text)
{
    int percent = 0;
    size_t n = text != NULL ? strlen(text) : 0;

    if (n < 2 || n > 4 || text[n - 1] != '%')
        return -1;
    for (size_t i = 0; i < n - 1; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        percent = percent * 10 + (text[i] - '0');
    }
    return percent <= 100 ? percent : -1;
}

static int read_share(const struct config_reader *reader, const struct config_key *key,
                      const struct value_path *path, const json_t *value, void *place)
{
    int percent = percentage(json_string_value(value));
    json_int_t count = json_integer_value(value);
    struct share *share = place;

    if (percent >= 0) {
        *share = (struct share){.value = (uint32_t)percent, .percent = true};
    } else if (json_is_integer(value) && count >= (json_int_t)key->least &&
               count <= (json_int_t)key->most) {
        *share = (struct share){.value = (uint32_t)count};
    } else {
        return config_expected(reader, path, value,
                               "a number of workers from %.0f to %.0f, or a percentage such "
                               "as \"25%%\"",
                               key->least, key->most);
    }
    return 0;
}

static int read_count(const struct config_reader *reader, const struct config_key *key,
                      const struct value_path *path, const json_t *value, void *place)
{
    json_int_t count = json_integer_value(value);

    if (!json_is_integer(value) || count < (json_int_t)key->least ||
        count > (json_int_t)key->most)
        return config_expected(reader, path, value, "a whole number from %.0f to %.0f",
                               key->least, key->most);
    *(uint32_t *)place = (uint32_t)count;
    return 0;
}

static int read_boolean(const struct config_reader *reader, const struct config_key *key,
                        const struct value_path *path, const json_t *value, void *place)
{
    (void)key;
    if (!json_is_boolean(value))
        return config_expected(reader, path, value, "true or false");
    *(bool *)place = json_is_true(value);
    return 0;
}

static int read_signal(const struct config_reader *reader, const struct config_key *key,
                       const struct value_path *path, const json_t *value, void *place)
{
    json_int_t number = json_integer_value(value);

    (void)key;
    if (json_is_string(value))
        number = signal_from_name(json_string_value(value));
    if (number < 1 || number > SIGRTMAX)
        return config_expected(reader, path, value,
                               "a signal's name, such as \"SIGTERM\", or its number");
    *(int *)place = (int)number;
    return 0;
}

static bool is_name(const char *text)
{
    size_t n = strlen(text);

    if (n == 0 || n > NAME_LENGTH_MAX)
        return false;
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && strchr("._@-", *text) == NULL)
            return false;
    return true;
}

static int read_name(const struct config_reader *reader, const struct config_key *key,
                     const struct value_path *path, const json_t *value, void *place)
{
    const char *text = json_string_value(value);

    (void)key;
    if (text == NULL || !is_name(text))
        return config_expected(reader, path, value,
                               "a name of letters, digits and \"._@-\", at most 255");
    return replace_string(place, text);
}

static int read_address(const struct config_reader *reader, const struct config_key *key,
                        const struct value_path *path, const json_t *value, void *place)
{
    static const char usual[] =
        "an address such as \"127.0.0.1:8080\", \"[::1]:8080\", \"8080\" or \"/run/web.sock\"";
    struct listener_spec *listener = place;
    struct listener_spec parsed = {0};
    const char *text = json_string_value(value);
    const char *expected = usual;
    int r = text != NULL ? address_parse(text, &parsed, &expected) : 1;

    (void)key;
    if (r < 0)
        return r;
    if (r > 0)
        return config_expected(reader, path, value, "%s", expected);
    free(listener->address);
    free(listener->host);
    listener->type = parsed.type;
    listener->address = parsed.address;
    listener->host = parsed.host;
    listener->port = parsed.port;
    return 0;
}

static int read_mode(const struct config_reader *reader, const struct config_key *key,
                     const struct value_path *path, const json_t *value, void *place)
{
    const char *text = json_string_value(value);
    size_t n = text != NULL ? strlen(text) : 0;
    mode_t mode = 0;

    (void)key;
    if (n < 3 || n > 4 || strspn(text, "01234567") != n || (n == 4 && *text != '0'))
        return config_expected(reader, path, value,
                               "permission bits as an octal string, such as \"0660\"");
    for (; *text != '\0'; text++)
        mode = mode * 8 + (mode_t)(*text - '0');
    *(mode_t *)place = mode & MODE_MOST;
    return 0;
}

/* A natural number: of JSON, or in a string, where it may have a unit. */
static int read_size(const json_t *value, uint64_t *ret_size)
{
    const char *text = json_string_value(value);
    json_int_t number = json_integer_value(value);

    if (text != NULL)
        return size_parse(text, strlen(text), true, ret_size);
    if (!json_is_integer(value) || number < 0)
        return 1;
    *ret_size = (uint64_t)number;
    return 0;
}

static int read_bytes(const struct config_reader *reader, const struct config_key *key,
                      const struct value_path *path, const json_t *value, void *place)
{
    uint64_t size;

    if (read_size(value, &size) != 0 || (double)size < key->least)
        return config_expected(reader, path, value,
                               "a whole number of bytes from %.0f on, or a size such as "
                               "\"512M\"",
                               key->least);
    *(uint64_t *)place = size;
    return 0;
}

/* One of the two numbers; UINT64_MAX stands for "infinity". */
static int read_bound(const char *text, size_t n, bool units, uint64_t *ret_bound)
{
    static const char infinity[] = "infinity";

    if (n == sizeof(infinity) - 1 && memcmp(text, infinity, n) == 0) {
        *ret_bound = UINT64_MAX;
        return 0;
    }
    return size_parse(text, n, units, ret_bound);
}

static int read_bounds(const json_t *value, bool units, uint64_t *ret_soft, uint64_t *ret_hard)
{
    const char *text = json_string_value(value);
    size_t n = text != NULL ? strcspn(text, ":") : 0;
    json_int_t number = json_integer_value(value);

    if (text == NULL) {
        *ret_soft = *ret_hard = (uint64_t)number;
        return json_is_integer(value) && number >= 0 ? 0 : 1;
    }
    if (read_bound(text, n, units, ret_soft) != 0)
        return 1;
    *ret_hard = *ret_soft;
    return text[n] == ':' ? read_bound(text + n + 1, strlen(text + n + 1), units, ret_hard) : 0;
}

/* As reloadd-exec takes it. */
static int format_bound(uint64_t bound, char **ret_text)
{
    if (bound == UINT64_MAX)
        return format_string(ret_text, "unlimited");
    return format_string(ret_text, "%llu", (unsigned long long)bound);
}

/* All limits share one vector: one entry each, under the key's name. */
static int read_rlimit(const struct config_reader *reader, const struct config_key *key,
                       const struct value_path *path, const json_t *value, void *place)
{
    bool units = key->type == CONFIG_RLIMIT_BYTES;
    _cleanup_free_ char *soft_text = NULL;
    _cleanup_free_ char *hard_text = NULL;
    _cleanup_free_ char *entry = NULL;
    uint64_t soft, hard;
    int r;

    if (read_bounds(value, units, &soft, &hard) != 0)
        return config_expected(reader, path, value,
                               "a whole number, \"infinity\", or two of them as "
                               "\"SOFT:HARD\", such as %s",
                               units ? "\"8M:infinity\"" : "\"1024:65536\"");
    if (soft > hard)
        return config_expected(reader, path, value,
                               "a soft limit that is not beyond the hard one");
    r = format_bound(soft, &soft_text);
    if (r == 0)
        r = format_bound(hard, &hard_text);
    if (r == 0)
        r = format_string(&entry, "%s=%s:%s", key->name, soft_text, hard_text);
    return r < 0 ? r : environment_put(place, entry);
}

static read_value *const readers[CONFIG_TYPE_N] = {
    [CONFIG_IGNORED] = read_ignored,     [CONFIG_COMMAND] = read_command,
    [CONFIG_PATH] = read_path,           [CONFIG_ACCOUNT] = read_account,
    [CONFIG_VARIABLES] = read_variables, [CONFIG_WORKERS] = read_workers,
    [CONFIG_READINESS] = read_readiness, [CONFIG_DELIVERY] = read_delivery,
    [CONFIG_TARGET] = read_target,       [CONFIG_EXPECT] = read_expect,
    [CONFIG_HOST] = read_host,           [CONFIG_DISPATCH] = read_dispatch,
    [CONFIG_DIALECTS] = read_dialects,   [CONFIG_SECONDS] = read_seconds,
    [CONFIG_SHARE] = read_share,         [CONFIG_COUNT] = read_count,
    [CONFIG_BOOLEAN] = read_boolean,     [CONFIG_SIGNAL] = read_signal,
    [CONFIG_NAME] = read_name,           [CONFIG_ADDRESS] = read_address,
    [CONFIG_MODE] = read_mode,           [CONFIG_BYTES] = read_bytes,
    [CONFIG_RLIMIT] = read_rlimit,       [CONFIG_RLIMIT_BYTES] = read_rlimit,
    [CONFIG_WAIT] = read_drain_wait,     [CONFIG_POLITE] = read_polite,
};

int config_read_value(const struct config_reader *reader, const struct config_key *key,
                      const struct value_path *path, const json_t *value, void *into)
{
    assert(readers[key->type] != NULL);
    return readers[key->type](reader, key, path, value, (char *)into + key->offset);
}
