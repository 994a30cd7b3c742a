#include "base/log.h"

#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct log_settings {
    enum log_level level;
    enum log_mode mode;
};

static struct log_settings log_settings = {LEVEL_INFO, LOG_MODE_PLAIN};

/* Whether $JOURNAL_STREAM, "device:inode", is stderr: a child of a service may well have the
 * variable, and a stderr of its own. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    if (!stream || fstat(STDERR_FILENO, &status) < 0)
        return false;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "%ju:%ju", (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino);
    return strcmp(stream, expected) == 0;
}

enum log_mode log_mode_of_stderr(void)
{
    if (stderr_is_journal())
        return LOG_MODE_SERVICE;
    const char *no_colour = getenv("NO_COLOR"); /* https://no-color.org: set and not empty */
    const char *terminal = getenv("TERM");
    if (no_colour && no_colour[0])
        return LOG_MODE_PLAIN;
    if (!terminal || strcmp(terminal, "dumb") == 0)
        return LOG_MODE_PLAIN;
    return isatty(STDERR_FILENO) ? LOG_MODE_COLOUR : LOG_MODE_PLAIN;
}

void log_setup(enum log_level level, enum log_mode mode)
{
    log_settings = (struct log_settings){level, mode};
}

bool log_wants(enum log_level level)
{
    return level <= log_settings.level;
}

/* The word of a level, with the colour that it has on a terminal. */
struct log_word {
    const char *word;
    const char *colour;
};

/* Adds what stands before a message. */
static int append_prefix(struct text *line, enum log_level level, enum log_mode mode)
{
    static const struct log_word words[] = {
        [LEVEL_ERROR] = {"error: ", "\033[1;31m"},
        [LEVEL_WARNING] = {"warning: ", "\033[1;33m"},
        [LEVEL_NOTICE] = {"", ""},
        [LEVEL_INFO] = {"", ""},
        [LEVEL_DEBUG] = {"debug: ", "\033[2m"},
    };
    const char *name = program_invocation_short_name;
    switch (mode) {
    case LOG_MODE_SERVICE:
        return text_appendf(line, "<%d>", (int)level);
    case LOG_MODE_COLOUR:
        return text_appendf(line, "\033[1m%s:\033[0m %s%s\033[0m", name, words[level].colour,
                            words[level].word);
    case LOG_MODE_PLAIN:
    case LOG_MODE_N:
        break;
    }
    return text_appendf(line, "%s: %s", name, words[level].word);
}

/* Writes to stderr if that is possible at once; else the line is lost. */
static void write_or_drop(const char *line, size_t size)
{
    if (send(STDERR_FILENO, line, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != ENOTSOCK)
        return;
    /* A pipe that polls writable has a free page, so a line up to PIPE_BUF does not block
     * (pipe(7)); one without a reader says POLLERR, and writing would bring SIGPIPE. */
    struct pollfd pollfd = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&pollfd, 1, 0) == 1 && pollfd.revents == POLLOUT) {
        ssize_t written = write(STDERR_FILENO, line, size);
        (void)written;
    }
}

/* Adds the visible message, cut at the last whole character that fits. */
static int append_message(struct text *line, const char *message, size_t size)
{
    static const char ellipsis[] = "…\n";
    int r = text_append_visible(line, message, size);
    if (r < 0)
        return r;
    if (line->size + 1 <= LOG_LINE_MAX)
        return text_append(line, "\n", 1);
    size_t cut = LOG_LINE_MAX - (sizeof(ellipsis) - 1);
    while (cut > 0 && ((unsigned char)line->data[cut] & 0xc0) == 0x80)
        cut--; /* a continuation byte of UTF-8 */
    text_truncate(line, cut);
    return text_append_string(line, ellipsis);
}

void log_write(enum log_level level, const char *format, ...)
{
    if (!log_wants(level))
        return;
    int saved = errno;
    char message[LOG_LINE_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);

    _cleanup_text_ struct text line = {0};
    if (length >= 0 && append_prefix(&line, level, log_settings.mode) == 0 &&
        append_message(&line, message, strlen(message)) == 0)
        write_or_drop(line.data, line.size);
    errno = saved;
}
