/* What is wrong with a configuration: a list in the order of the file, each entry with its
 * place.
 *
 * `struct config_errors errors = {0}` is an empty list; config_errors_release() ends it.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    CONFIG_ERRORS_MAX =
        100, /* more than this nobody reads; the last says that there are more */
};

struct config_error {
    unsigned line;   /* from 1; 0: not from a place in the file */
    unsigned column; /* from 1, in characters */
    char *path;      /* JSON path, or a flag ("--listen"); NULL: the file as a whole */
    char *meant;     /* the JSON path that an unknown key is likely a slip for; NULL: none */
    char *text;      /* "expected …, found …" */
};

struct config_errors {
    struct config_error *list;
    size_t n;
};

void config_errors_release(struct config_errors *errors);

/* Adds an error at `path` of the configuration `text`, at its nearest ancestor where the path
 * is not there, or at no place where `text` is NULL. `path` may be NULL. Once CONFIG_ERRORS_MAX
 * is reached, nothing is added any more. Returns 0 or -ENOMEM. */
MUST_CHECK int config_errors_add(struct config_errors *errors, const char *text, size_t size,
                                 const char *path, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The same, for the key at `path` rather than its value. `meant`: the path of the known key
 * that this one is likely a slip for, or NULL. */
MUST_CHECK int config_errors_add_key(struct config_errors *errors, const char *text,
                                     size_t size, const char *path, const char *meant,
                                     const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* The same, at a known line and column. */
MUST_CHECK int config_errors_add_at(struct config_errors *errors, unsigned line,
                                    unsigned column, const char *path, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Whether an error stands at just this path or flag, or at a key that was likely meant to be
 * it. */
bool config_errors_has(const struct config_errors *errors, const char *path);

/* Whether the value at `path` is in doubt: there is an error at it, or at something around it.
 * Then the default that stands in for it says nothing, and no complaint may be built on it. */
bool config_errors_doubt(const struct config_errors *errors, const char *path);

/* One line, without its end: "FILE:LINE:COLUMN: PATH: TEXT" for a place in the file, "PATH:
 * TEXT" for a flag, "FILE: PATH: TEXT" or "FILE: TEXT" else. `file` may be NULL where no file
 * was read. *ret_line is the caller's. Returns 0 or -ENOMEM. */
MUST_CHECK int config_error_format(const struct config_error *error, const char *file,
                                   char **ret_line);
