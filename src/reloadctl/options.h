/* The options of all verbs, once: each has one name, one letter, one meaning, and a verb says
 * by a set of bits which of them it takes.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"
#include "wire/varlink.h"
#include "wire/wall.h"

#include <stdbool.h>
#include <stdio.h>

enum option_id {
    OPTION_HELP,
    OPTION_JSON,
    OPTION_TIMEOUT,
    OPTION_RELEASE,
    OPTION_WAIT,
    OPTION_NO_WAIT,
    OPTION_QUEUE,
    OPTION_REFUSE,
    OPTION_WATCH,
    OPTION_HURRY,
    OPTION_FOLLOW,
    OPTION_LINES,
    OPTION_WORKER,
    OPTION_REVISION,
    OPTION_SINCE,
    OPTION_DIRECTORY,
    OPTION_NAME,
    OPTION_LISTEN,
    OPTION_WORKERS,
    OPTION_CONFIG,
    OPTION_RESTART,
    OPTION_N,
};

#define OPTION_BIT(id) (1u << (id))

/* All that a command line says. Strings are argv's own. */
struct options {
    bool help;
    bool json;
    bool no_wait;
    bool watch;
    bool hurry;
    bool follow;
    bool restart;
    enum conflict conflict;
    bool conflict_is_chosen;
    bool has_timeout;
    struct span timeout; /* SPAN_FOREVER without --timeout */
    struct optional_int lines;
    struct optional_int slot;
    struct optional_int revision;
    bool has_since;
    struct wall since;
    const char *directory; /* may be NULL, as may those below */
    const char *release;
    const char *name;
    const char *config;
    const char *workers;
    const char **listen; /* owned; listen_n of them */
    size_t listen_n;
    char *const *operands; /* what is not an option; NULL-ended */
    int operand_n;
};

/* What a verb takes. */
struct options_form {
    const char *verb;
    uint32_t options;     /* bits of enum option_id */
    bool ends_at_operand; /* the first operand begins another program's command line */
};

/* Reads argv[1 …]; argv[0] is the verb, and argv may be reordered. *ret_options is the caller's
 * (options_release). Returns 0; 1 after a wrong option or value, which has been said on stderr;
 * -ENOMEM. */
MUST_CHECK int options_parse(const struct options_form *form, int argc, char *argv[],
                             struct options *ret_options);

void options_release(struct options *options);

/* Writes a line of help for each of the options, a set of bits. */
void options_write_help(FILE *stream, uint32_t options);

/* A whole decimal number in min … max. Returns 0, or 1 where the text is none. */
MUST_CHECK int number_parse(const char *text, int64_t min, int64_t max, int64_t *ret_number);
