/* The configuration of an app: the text of one JSON file into a struct spec.
 *
 * A file is read to its end whatever is wrong with it, so that all errors are told at once,
 * each with its place, what was expected there and what was found; only what is no JSON ends
 * the reading. No complaint is built on what is wrong itself. What may stand where, in which
 * unit and range and with which default, is one table (wire/config_key.h), from which the
 * decoder, the defaults and the check of the documents work.
 *
 * This is about the text alone: whether an executable or a user exists is for those to see who
 * may look at the outside; they add their findings to the same list.
 */
#pragma once

#include "wire/config_error.h"
#include "wire/spec.h"

enum {
    CONFIG_SIZE_MAX = 1 << 20,     /* bytes of a file */
    CONFIG_LISTENER_MAX = 64,      /* listeners of an app */
    CONFIG_SECONDS_MAX = 31536000, /* a year */
};

enum config_flags {
    CONFIG_EXEC_ELSEWHERE = 1 << 0,   /* the command is no matter of this text */
    CONFIG_LISTEN_ELSEWHERE = 1 << 1, /* nor are the listeners that {fd:NAME} may name */
};

/* What config_decode() returns beside 0. */
enum config_result {
    CONFIG_MISTAKEN = 1,   /* errors were added; what was right is there */
    CONFIG_UNREADABLE = 2, /* errors were added; it is no JSON object, and nothing is there */
};

/* Where the listeners and the command of a spec were written. */
struct config_origin {
    const char *text; /* the file, for the positions; NULL: none */
    size_t size;
    const char *listen; /* the flag that the listeners come from; NULL: the file */
    const char *exec;   /* the flag that the command comes from; NULL: the file */
};

/* Decodes `size` bytes of text, with all defaults filled in. On 0, *ret_spec is the caller's,
 * for spec_release(); policy.workers is 0 where `workers` is not a count; nothing is pinned.
 * On CONFIG_MISTAKEN it is the caller's too: in the place of what was wrong stands the default,
 * or "" for a word of a command, and config_errors_doubt() tells which these are; also the
 * name and the address of a listener may be NULL then. flags: of enum config_flags. Returns 0;
 * CONFIG_MISTAKEN; CONFIG_UNREADABLE or -ENOMEM, and *ret_spec is as it was. */
MUST_CHECK int config_decode(const char *text, size_t size, unsigned flags,
                             struct spec *ret_spec, struct config_errors *errors);

/* Decodes what stands in one place, from outside of a file: an address into *ret_listener
 * (type, address, host, port, and all defaults; the name is "listen" and `index`), or the text
 * of `workers` ("4", "max", "max-1") into *ret_spec. Errors are added under `flag`, such as
 * "--listen". Return 0, 1 where errors were added, or -ENOMEM. */
MUST_CHECK int config_decode_listen(const char *text, size_t index, const char *flag,
                                    struct listener_spec *ret_listener,
                                    struct config_errors *errors);
MUST_CHECK int config_decode_workers(const char *text, const char *flag, struct spec *ret_spec,
                                     struct config_errors *errors);

/* Whether all listeners of a flag have names and addresses of their own, and each {fd:NAME} in
 * exec names a listener (where there are any; else those come from the service manager). For a
 * spec that flags were laid over; where nothing in `origin` is a flag, config_decode() has seen
 * to it itself. What is in doubt is passed over. Returns 0, 1 where errors were added, or
 * -ENOMEM. */
MUST_CHECK int config_check_flags(const struct spec *spec, const struct config_origin *origin,
                                  struct config_errors *errors);
