/* What the programs say on stderr: one line a message, one write(2) a line.
 *
 * Logging must never be what a daemon waits for or dies of. A stderr that is full or gone loses
 * the line: the descriptor is never made non-blocking, for that flag would be shared with the
 * terminal and with the workers (open file description, fcntl(2)), so it is asked first.
 *
 * Control characters in a message are made visible, so that what a worker or a client said can
 * neither forge a line nor steer a terminal. A line has at most LOG_LINE_MAX bytes.
 *
 * Level and mode are the one mutable global of the tree.
 */
#pragma once

#include <stdbool.h>

enum { LOG_LINE_MAX = 2048 }; /* below PIPE_BUF: a line is written whole or not at all */

/* syslog's numbers, which sd-daemon(3) takes too. */
enum log_level {
    LEVEL_ERROR = 3,
    LEVEL_WARNING = 4,
    LEVEL_NOTICE = 5,
    LEVEL_INFO = 6,
    LEVEL_DEBUG = 7,
};

enum log_mode {
    LOG_MODE_PLAIN,   /* "reloadd: error: text", by the program's name */
    LOG_MODE_COLOUR,  /* the same for eyes at a terminal */
    LOG_MODE_SERVICE, /* "<3>text": the service manager knows the rest */
    LOG_MODE_N,
};

/* The mode that fits stderr: SERVICE where $JOURNAL_STREAM names it (systemd.exec(5)), COLOUR
 * on a terminal unless $NO_COLOR or TERM=dumb, else PLAIN. */
enum log_mode log_mode_of_stderr(void);

/* From now on, messages up to `level` are written as `mode` says. Until it is called: PLAIN,
 * and up to LEVEL_INFO. */
void log_setup(enum log_level level, enum log_mode mode);

/* Whether messages of this level are written: for those that are costly to make. */
bool log_wants(enum log_level level);

/* Writes a message, without a newline at its end. errno is kept. */
void log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_write(LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_write(LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_write(LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LEVEL_DEBUG, __VA_ARGS__)
