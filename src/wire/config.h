/* The configuration of an app: the text of one JSON file into a struct spec.
 *
 * A file is read to its end whatever is wrong with it, so that all errors are told at once,
 * each with its place, what was expected there and what was found. What may stand where, in
 * which unit and range and with which default, is one table (wire/config_key.h), from which the
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
    CONFIG_EXEC_OPTIONAL = 1 << 0, /* the command comes from elsewhere */
};

/* Decodes `size` bytes of text, with all defaults filled in. On 0, *ret_spec is the caller's,
 * for spec_release(); policy.workers is 0 where `workers` is not a count; nothing is pinned.
 * flags: of enum config_flags. Returns 0; 1 where errors were added, and *ret_spec is as it
 * was; or -ENOMEM. */
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

/* Whether all listeners have names and addresses of their own, and each {fd:NAME} in exec names
 * one of them (where there are listeners; else those come from the service manager). `text` is
 * the file that the spec came from, for the positions, or NULL. For a spec that was changed
 * after config_decode(), which has seen to it itself. Returns 0, 1 where errors were added, or
 * -ENOMEM. */
MUST_CHECK int config_check_listeners(const struct spec *spec, const char *text, size_t size,
                                      struct config_errors *errors);
