/* All keys of the configuration: one row each, with its type, range, default and place in the
 * spec. To add a key is to add a row, and a line to docs/CONFIG.md, docs/reloadd.schema.json
 * and docs/man/reloadd.json.5 (a test compares).
 *
 * Private to wire/ and its tests.
 */
#pragma once

#include <stddef.h>

enum config_type {
    CONFIG_IGNORED,   /* a string for other programs ("$schema") */
    CONFIG_SECTION,   /* an object with keys of its own */
    CONFIG_LISTEN,    /* an array of addresses and listener objects -> struct spec */
    CONFIG_COMMAND,   /* an array of strings, the first not empty -> char ** */
    CONFIG_PATH,      /* a file name -> char * */
    CONFIG_ACCOUNT,   /* a user or group, name or number -> char * */
    CONFIG_VARIABLES, /* an object of strings -> char **, "NAME=value" */
    CONFIG_WORKERS,   /* a count, "max" or "max-1" -> struct spec */
    CONFIG_READINESS, /* "auto", "notify", "delay", "http", "tcp" -> enum readiness */
    CONFIG_TARGET,    /* a path of a URL -> char * */
    CONFIG_EXPECT,    /* HTTP statuses, as wire/expect.h has them, or an array -> char * */
    CONFIG_HOST,      /* a Host header -> char * */
    CONFIG_DELIVERY,  /* "auto", "inherit", "capture" -> enum delivery */
    CONFIG_DISPATCH,  /* "auto", "shared" -> enum dispatch */
    CONFIG_WAIT,      /* "auto", "queue", "quiet" -> enum drain_wait */
    CONFIG_POLITE,    /* "auto", "off" -> bool, whether it is off */
    CONFIG_DIALECTS,  /* an array of dialects' names -> uint32_t, a set of enum dialect */
    CONFIG_SECONDS,   /* a number of seconds, least … most -> struct span */
    CONFIG_SHARE,     /* a count, least … most, or "0%" … "100%" -> struct share */
    CONFIG_COUNT,   /* an integer, least … most -> uint32_t, or an int that is not negative */
    CONFIG_BOOLEAN, /* -> bool */
    CONFIG_SIGNAL,  /* a signal's name or number -> int */
    CONFIG_NAME,    /* of a listener, fit for LISTEN_FDNAMES -> char * */
    CONFIG_ADDRESS, /* -> struct listener_spec */
    CONFIG_MODE,    /* permission bits, "0660" -> mode_t */
    CONFIG_BYTES,   /* a number of bytes from `least` on, or "512M" -> uint64_t */
    CONFIG_RLIMIT,  /* a limit of setrlimit(2), or "SOFT:HARD" -> char **, "NAME=SOFT:HARD" */
    CONFIG_RLIMIT_BYTES, /* the same, of bytes: "8M" too */
    CONFIG_TYPE_N,
};

struct config_key {
    const char *section; /* the key it stands in; "": the file's own object */
    const char *name;
    enum config_type type;
    size_t offset; /* in struct spec; in struct listener_spec for the section "listen" */
    double least;
    double most;
    const char *initial; /* the default, as JSON; NULL: none, the member stays empty */
};

extern const struct config_key config_keys[];
extern const size_t config_key_n;

/* The row of `name` in `section`, or NULL. */
const struct config_key *config_key_find(const char *section, const char *name);

/* The known name in `section` that `name` is most likely a slip for, or the beginning of; or
 * NULL where none is near. */
const char *config_key_nearest(const char *section, const char *name);

/* The section other than `section` that has a key `name` ("": the file's own object), or NULL.
 */
const char *config_key_home(const char *section, const char *name);
