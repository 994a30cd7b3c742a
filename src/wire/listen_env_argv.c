/* {fd:NAME} in a worker's argv: see listen_env.h. */
#include "wire/listen_env.h"

#include "base/error.h"
#include "base/text.h"
#include "wire/strings.h"

#include <stdio.h>
#include <string.h>

static const char opening[] = "{fd:";

/* The index that `name` (of `size` bytes) spells in decimal, or `listener_n`. */
static size_t index_of_digits(const char *name, size_t size, size_t listener_n)
{
    size_t index = 0;

    for (size_t i = 0; i < size; i++) {
        if (name[i] < '0' || name[i] > '9')
            return listener_n;
        index = index * 10 + (size_t)(name[i] - '0');
        if (index >= listener_n)
            return listener_n;
    }
    return size > 0 ? index : listener_n;
}

/* The listener's index, or `listener_n` where there is none. A name comes before a number. */
static size_t find_listener(const struct listener_spec *listeners, size_t listener_n,
                            const char *name, size_t size)
{
    for (size_t i = 0; i < listener_n; i++)
        if (strlen(listeners[i].name) == size && memcmp(listeners[i].name, name, size) == 0)
            return i;
    return index_of_digits(name, size, listener_n);
}

static void say_unknown(const struct listener_spec *listeners, size_t listener_n,
                        const char *name, size_t size, struct fault *ret_fault)
{
    char known[120] = "none";
    size_t used = 0;

    for (size_t i = 0; i < listener_n && used < sizeof(known); i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
                                 listeners[i].name);
    fault_say(ret_fault, "{fd:%.*s} names no listener; there are: %s",
              (int)(size < 40 ? size : 40), name, known);
}

/* Appends one argument, expanded; `text` may be NULL: only looked at. Returns 0, 1 or -ENOMEM.
 */
static int expand_one(const char *argument, const struct listener_spec *listeners,
                      size_t listener_n, struct text *text, struct fault *ret_fault)
{
    const char *at = argument;
    const char *open;
    int r = 0;

    while (r == 0 && (open = strstr(at, opening))) {
        const char *name = open + strlen(opening);
        size_t size = strcspn(name, "}");
        size_t index = find_listener(listeners, listener_n, name, size);

        if (name[size] == 0) {
            fault_say(ret_fault, "%.80s: \"{fd:\" has no closing \"}\"", argument);
            return 1;
        }
        if (index == listener_n) {
            say_unknown(listeners, listener_n, name, size, ret_fault);
            return 1;
        }
        if (text)
            r = text_append(text, at, (size_t)(open - at));
        if (text && r == 0)
            r = text_appendf(text, "%zu", LISTEN_FD_FIRST + index);
        at = name + size + 1;
    }
    return text && r == 0 ? text_append_string(text, at) : r;
}

int listen_env_check(const char *const *argv, const struct listener_spec *listeners,
                     size_t listener_n, struct fault *ret_fault)
{
    int r = 0;

    for (size_t i = 0; r == 0 && argv[i]; i++)
        r = expand_one(argv[i], listeners, listener_n, NULL, ret_fault);
    return r;
}

int listen_env_expand(const char *const *argv, const struct listener_spec *listeners,
                      size_t listener_n, char ***ret_argv, struct fault *ret_fault)
{
    _cleanup_strings_ char **expanded = calloc(strings_count(argv) + 1, sizeof(*expanded));

    if (!expanded)
        return -ENOMEM;
    for (size_t i = 0; argv[i]; i++) {
        _cleanup_text_ struct text text = {0};
        int r = expand_one(argv[i], listeners, listener_n, &text, ret_fault);

        if (r == 0)
            r = text_take(&text, &expanded[i]);
        if (r != 0)
            return r;
    }
    *ret_argv = take_ptr(expanded);
    return 0;
}
