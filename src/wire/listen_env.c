#include "wire/listen_env.h"

#include "base/error.h"
#include "base/text.h"
#include "wire/strings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A vector that grows: the environment as it is being written. */
struct vector {
    char **strings; /* NULL-ended from the first push on */
    size_t n;
    size_t capacity;
};

static void vector_release(struct vector *vector)
{
    strings_free(vector->strings);
}

/* Appends an owned string; NULL counts as out of memory. */
static int vector_push_consume(struct vector *vector, char *string)
{
    if (string && vector->n + 2 > vector->capacity) {
        size_t capacity = vector->capacity ? vector->capacity * 2 : 32;
        char **grown = reallocarray(vector->strings, capacity, sizeof(*grown));

        if (!grown) {
            free(string);
            return -ENOMEM;
        }
        vector->strings = grown;
        vector->capacity = capacity;
    }
    if (!string)
        return -ENOMEM;
    vector->strings[vector->n++] = string;
    vector->strings[vector->n] = NULL;
    return 0;
}

__attribute__((format(printf, 2, 3))) MUST_CHECK static int
vector_pushf(struct vector *vector, const char *format, ...)
{
    va_list arguments;
    char *string;
    int size;

    va_start(arguments, format);
    size = vasprintf(&string, format, arguments);
    va_end(arguments);
    return vector_push_consume(vector, size < 0 ? NULL : string);
}

static int descriptor_of(size_t index)
{
    return LISTEN_FD_FIRST + (int)index;
}

/* NAME=… with one piece a listener, each followed by `after`, which is left out behind the last
 * one unless `always`. */
static int push_joined(struct vector *vector, const struct handover *handover, const char *name,
                       int (*piece)(struct text *, const struct listener_spec *, int fd),
                       const char *after, bool always)
{
    _cleanup_text_ struct text text = {0};
    char *string;
    int r = text_appendf(&text, "%s=", name);

    for (size_t i = 0; r == 0 && i < handover->listener_n; i++) {
        r = piece(&text, &handover->listeners[i], descriptor_of(i));
        if (r == 0 && (always || i + 1 < handover->listener_n))
            r = text_append_string(&text, after);
    }
    if (r == 0)
        r = text_take(&text, &string);
    return r == 0 ? vector_push_consume(vector, string) : r;
}

static int piece_name(struct text *text, const struct listener_spec *listener, int fd)
{
    (void)fd;
    return text_append_string(text, listener->name);
}

static int piece_fd(struct text *text, const struct listener_spec *listener, int fd)
{
    (void)listener;
    return text_appendf(text, "%d", fd);
}

static int piece_address_fd(struct text *text, const struct listener_spec *listener, int fd)
{
    return text_appendf(text, "%s=%d", listener->address, fd);
}

static int push_listen_fds(struct vector *vector, const struct handover *handover)
{
    int r = vector_pushf(vector, "LISTEN_FDS=%zu", handover->listener_n);

    return r == 0 ? push_joined(vector, handover, "LISTEN_FDNAMES", piece_name, ":", false) : r;
}

/* Its clients split at ";" and then at the last "=" (Server::Starter, server_ports()). */
static int push_server_starter(struct vector *vector, const struct handover *handover)
{
    int r = push_joined(vector, handover, "SERVER_STARTER_PORT", piece_address_fd, ";", false);

    return r == 0
               ? vector_pushf(vector, "SERVER_STARTER_GENERATION=%" PRIu64, handover->revision)
               : r;
}

static int push_einhorn(struct vector *vector, const struct handover *handover)
{
    int r = vector_pushf(vector, "EINHORN_FD_COUNT=%zu", handover->listener_n);

    for (size_t i = 0; r == 0 && i < handover->listener_n; i++)
        r = vector_pushf(vector, "EINHORN_FD_%zu=%d", i, descriptor_of(i));
    if (r == 0)
        r = vector_pushf(vector, "EINHORN_CHILD_INDEX=%" PRIu32, handover->slot);
    if (r == 0 && handover->einhorn_socket)
        r = vector_pushf(vector, "EINHORN_SOCK_PATH=%s", handover->einhorn_socket);
    return r;
}

static int push_nginx(struct vector *vector, const struct handover *handover)
{
    return push_joined(vector, handover, "NGINX", piece_fd, ";", true);
}

static int push_php_fpm(struct vector *vector, const struct handover *handover)
{
    return push_joined(vector, handover, "FPM_SOCKETS", piece_address_fd, ",", false);
}

static int push_unicorn(struct vector *vector, const struct handover *handover)
{
    return push_joined(vector, handover, "UNICORN_FD", piece_fd, ",", false);
}

static int push_puma(struct vector *vector, const struct handover *handover)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < handover->listener_n; i++) {
        const struct listener_spec *listener = &handover->listeners[i];
        const char *scheme = listener->type == LISTENER_TCP ? "tcp" : "unix";

        r = vector_pushf(vector, "PUMA_INHERIT_%zu=%d:%s://%s", i, descriptor_of(i), scheme,
                         listener->address);
    }
    return r;
}

static const struct {
    enum dialect dialect;
    int (*push)(struct vector *vector, const struct handover *handover);
} dialects[] = {
    {DIALECT_LISTEN_FDS, push_listen_fds},
    {DIALECT_SERVER_STARTER, push_server_starter},
    {DIALECT_EINHORN, push_einhorn},
    {DIALECT_NGINX, push_nginx},
    {DIALECT_PHP_FPM, push_php_fpm},
    {DIALECT_UNICORN, push_unicorn},
    {DIALECT_PUMA, push_puma},
};

/* What says who the worker is, in every dialect. */
static int push_identity(struct vector *vector, const struct handover *handover)
{
    int r = vector_pushf(vector, "RELOADD_APP=%s", handover->app);

    if (r == 0)
        r = vector_pushf(vector, "RELOADD_SLOT=%" PRIu32, handover->slot);
    if (r == 0)
        r = vector_pushf(vector, "RELOADD_REVISION=%" PRIu64, handover->revision);
    if (r == 0 && handover->release)
        r = vector_pushf(vector, "RELOADD_RELEASE=%s", handover->release);
    if (r == 0 && handover->notify_socket)
        r = vector_pushf(vector, "NOTIFY_SOCKET=%s", handover->notify_socket);
    if (r == 0 && handover->journal_stream)
        r = vector_pushf(vector, "JOURNAL_STREAM=%s", handover->journal_stream);
    if (r == 0 && handover->watchdog.nanoseconds > 0)
        r = vector_pushf(vector, "WATCHDOG_USEC=%" PRIu64,
                         handover->watchdog.nanoseconds / 1000u);
    return r;
}

/* Whether a name speaks of descriptors or notices of somebody else: of the service manager that
 * started the primary, or of another master around it. */
static bool is_foreign(const char *variable)
{
    static const char *const prefixes[] = {
        "LISTEN_FDS=",    "LISTEN_FDNAMES=", "LISTEN_PID=", "LISTEN_PIDFDID=", "NOTIFY_SOCKET=",
        "WATCHDOG_USEC=", "WATCHDOG_PID=",   "EINHORN_",    "SERVER_STARTER_", "RELOADD_",
    };

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* Whether the first `n` of the vector have a variable of that name. */
static bool is_said(const struct vector *vector, size_t n, const char *variable)
{
    size_t size = strcspn(variable, "=") + 1;

    for (size_t i = 0; i < n; i++)
        if (strncmp(vector->strings[i], variable, size) == 0)
            return true;
    return false;
}

int listen_env_build(const struct handover *handover, char ***ret_environment)
{
    _cleanup_(vector_release) struct vector vector = {0};
    size_t said;
    int r = push_identity(&vector, handover);

    for (size_t i = 0; r == 0 && i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (handover->dialects & dialects[i].dialect)
            r = dialects[i].push(&vector, handover);
    said = vector.n;
    for (size_t i = 0; r == 0 && handover->environment && handover->environment[i]; i++) {
        const char *variable = handover->environment[i];

        if (!is_foreign(variable) && !is_said(&vector, said, variable))
            r = vector_push_consume(&vector, strdup(variable));
    }
    if (r == 0)
        *ret_environment = take_ptr(vector.strings);
    return r;
}

uint32_t listen_env_late_names(const struct handover *handover)
{
    uint32_t late = 0;

    if (handover->dialects & DIALECT_LISTEN_FDS)
        late |= LATE_LISTEN_PID;
    if (handover->dialects & DIALECT_EINHORN)
        late |= LATE_EINHORN_MASTER_PID;
    if (handover->watchdog.nanoseconds > 0)
        late |= LATE_WATCHDOG_PID;
    return late;
}
