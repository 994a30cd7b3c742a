#include "generator/sockets.h"

#include "base/error.h"
#include "generator/unit_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

void socket_plan_release(struct socket_plan *plan)
{
    free(plan->units);
    *plan = (struct socket_plan){0};
}

static bool same_account(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static bool is_any_ipv6(const struct listener_spec *listener)
{
    return listener->type == LISTENER_TCP && strcmp(listener->host, "::") == 0;
}

/* [::]:80 takes IPv4 in too, unless 0.0.0.0:80 has a listener of its own; as the primary has it
 * where it opens them itself. */
static bool is_ipv6_alone(const struct spec *spec, const struct listener_spec *listener)
{
    for (size_t i = 0; i < spec->listener_n; i++)
        if (spec->listeners[i].type == LISTENER_TCP &&
            spec->listeners[i].port == listener->port &&
            strcmp(spec->listeners[i].host, "0.0.0.0") == 0)
            return true;
    return false;
}

/* An address that may not be there yet when sockets are opened at boot. */
static bool is_of_an_interface(const struct listener_spec *listener)
{
    struct in_addr address;

    if (listener->type != LISTENER_TCP || strcmp(listener->host, "::") == 0 ||
        strcmp(listener->host, "::1") == 0)
        return false;
    return inet_pton(AF_INET, listener->host, &address) != 1 ||
           (address.s_addr != htonl(INADDR_ANY) && ntohl(address.s_addr) >> 24 != 127);
}

/* Whether both can stand in one unit. */
static bool agree(const struct spec *spec, const struct listener_spec *a,
                  const struct listener_spec *b)
{
    if (a->backlog != b->backlog)
        return false;
    if (is_any_ipv6(a) && is_any_ipv6(b))
        return is_ipv6_alone(spec, a) == is_ipv6_alone(spec, b);
    if (a->type == LISTENER_UNIX && b->type == LISTENER_UNIX)
        return a->mode == b->mode && same_account(a->owner, b->owner) &&
               same_account(a->group, b->group);
    return true;
}

static bool has_room(const struct spec *spec, const struct socket_unit *unit,
                     const struct listener_spec *listener)
{
    for (size_t i = 0; i < unit->listener_n; i++)
        if (!agree(spec, unit->listeners[i], listener))
            return false;
    return true;
}

static void name_unit(const char *app, const struct spec *spec, size_t index, bool is_first,
                      char name[static SOCKET_NAME_SIZE])
{
    const char *listener = spec->listeners[index].name;
    bool fits = strlen(app) + strlen(listener) + sizeof(":.socket") <= SOCKET_NAME_SIZE;

    if (is_first)
        (void)snprintf(name, SOCKET_NAME_SIZE, "%s.socket", app);
    else if (fits && strchr(listener, '@') == NULL) /* "@" is for instances of templates */
        (void)snprintf(name, SOCKET_NAME_SIZE, "%s:%s.socket", app, listener);
    else
        (void)snprintf(name, SOCKET_NAME_SIZE, "%s:%zu.socket", app, index);
}

static bool can_be_written(const struct listener_spec *listener)
{
    /* ListenStream= takes no port 0 (socket_address_parse() in systemd). */
    if (listener->type == LISTENER_TCP && listener->port == 0)
        return false;
    return unit_value_is_plain(listener->address) &&
           (listener->owner == NULL || unit_value_is_plain(listener->owner)) &&
           (listener->group == NULL || unit_value_is_plain(listener->group));
}

int socket_plan_make(const char *app, const struct spec *spec, struct socket_plan *ret_plan,
                     const char **ret_unfit)
{
    _cleanup_(socket_plan_release) struct socket_plan plan = {0};

    plan.units = calloc(spec->listener_n + 1, sizeof(*plan.units));
    if (plan.units == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < spec->listener_n; i++) {
        const struct listener_spec *listener = &spec->listeners[i];
        size_t at = 0;

        if (!can_be_written(listener)) {
            *ret_unfit = listener->address;
            return 1;
        }
        while (at < plan.n && !has_room(spec, &plan.units[at], listener))
            at++;
        if (at == plan.n)
            name_unit(app, spec, i, plan.n++ == 0, plan.units[at].name);
        plan.units[at].listeners[plan.units[at].listener_n++] = listener;
    }
    *ret_plan = plan;
    plan = (struct socket_plan){0};
    return 0;
}

static int write_head(struct text *text, const struct unit_origin *origin)
{
    int r = text_appendf(text,
                         "# Made by reloadd-generator(8) of the file that SourcePath= names.\n"
                         "[Unit]\n"
                         "Description=Listeners of %s\n"
                         "Documentation=man:reloadd-generator(8) man:reloadd.json(5)\n",
                         origin->app);

    return r == 0 && unit_value_is_plain(origin->source)
               ? unit_text_set(text, "SourcePath", origin->source)
               : r;
}

/* What is only of unix sockets; all of the unit agree in it. */
static int write_file_rights(struct text *text, const struct socket_unit *unit)
{
    const struct listener_spec *file = NULL;
    int r;

    for (size_t i = 0; i < unit->listener_n; i++)
        if (unit->listeners[i]->type == LISTENER_UNIX)
            file = unit->listeners[i];
    if (file == NULL)
        return 0;
    r = text_appendf(text, "SocketMode=%04o\nRemoveOnStop=yes\n", (unsigned)file->mode);
    if (r == 0 && file->owner != NULL)
        r = unit_text_set(text, "SocketUser", file->owner);
    if (r == 0 && file->group != NULL)
        r = unit_text_set(text, "SocketGroup", file->group);
    return r;
}

static int write_kinds(struct text *text, const struct spec *spec,
                       const struct socket_unit *unit)
{
    const struct listener_spec *any_ipv6 = NULL;
    bool of_interface = false;
    int r = 0;

    for (size_t i = 0; i < unit->listener_n; i++) {
        of_interface |= is_of_an_interface(unit->listeners[i]);
        if (is_any_ipv6(unit->listeners[i]))
            any_ipv6 = unit->listeners[i];
    }
    if (any_ipv6 != NULL)
        r = text_appendf(text, "BindIPv6Only=%s\n",
                         is_ipv6_alone(spec, any_ipv6) ? "ipv6-only" : "both");
    return r == 0 && of_interface ? text_append_string(text, "FreeBind=yes\n") : r;
}

/* Names that the primary gives to what it keeps in the service manager's store. */
static bool is_of_the_store(const char *name)
{
    return strncmp(name, "worker-", strlen("worker-")) == 0 ||
           strncmp(name, "notify-", strlen("notify-")) == 0;
}

int socket_unit_write(struct text *text, const struct unit_origin *origin,
                      const struct spec *spec, const struct socket_unit *unit)
{
    int r = write_head(text, origin);

    if (r == 0)
        r = text_append_string(text, "\n[Socket]\n");
    for (size_t i = 0; i < unit->listener_n && r == 0; i++)
        r = unit_text_set(text, "ListenStream", unit->listeners[i]->address);
    if (r == 0)
        r = text_appendf(text, "Service=%s.service\nBacklog=%d\n", origin->app,
                         unit->listeners[0]->backlog);
    if (r == 0)
        r = write_kinds(text, spec, unit);
    if (r == 0)
        r = write_file_rights(text, unit);
    if (r == 0 && unit->listener_n == 1 && !is_of_the_store(unit->listeners[0]->name))
        r = unit_text_set(text, "FileDescriptorName", unit->listeners[0]->name);
    /* A limit reached would close the listener (systemd.socket(5)). */
    return r == 0 ? text_append_string(text, "TriggerLimitIntervalSec=0\n") : r;
}
