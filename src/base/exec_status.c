#include "base/exec_status.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const prefix = "reloadd-exec 1 ";

enum {
    ERRNO_MAX = 4095, /* MAX_ERRNO, include/linux/err.h */
};

struct step_words {
    const char *name;
    const char *sentence; /* the start of one; the detail follows */
};

static const struct step_words words[EXEC_STEP_N] = {
    [EXEC_STEP_DESCRIPTORS] = {"descriptors", "could not hand the descriptors over"},
    [EXEC_STEP_LOADER] = {"loader", "could not run"},
    [EXEC_STEP_OPTIONS] = {"options", "reloadd-exec was called wrongly:"},
    [EXEC_STEP_GROUP] = {"group", "could not make a process group"},
    [EXEC_STEP_CGROUP] = {"cgroup", "could not join the cgroup"},
    [EXEC_STEP_LIMIT] = {"limit", "could not set the limit"},
    [EXEC_STEP_CAPTURE] = {"capture", "could not install the capture filter:"},
    [EXEC_STEP_USER] = {"user", "could not become"},
    [EXEC_STEP_DIRECTORY] = {"directory", "could not change to the folder"},
    [EXEC_STEP_PARENT] = {"parent", "the primary is gone"},
    [EXEC_STEP_ENVIRONMENT] = {"environment", "could not set the environment"},
    [EXEC_STEP_EXEC] = {"exec", "could not run"},
    [EXEC_STEP_INTERPRETER] = {"interpreter", "the interpreter is missing of"},
};

const char *exec_step_name(enum exec_step step)
{
    assert(step < EXEC_STEP_N);
    return words[step].name;
}

/* Appends what fits, and says how long the line is then. */
static size_t put(char *line, size_t length, size_t limit, const char *text)
{
    while (*text != '\0' && length < limit) {
        char c = *text++;
        line[length++] = (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
    }
    return length;
}

size_t exec_status_encode(enum exec_step step, int error, const char *detail,
                          char line[static EXEC_STATUS_LINE_MAX])
{
    char digits[5] = {0};
    size_t first = sizeof digits - 1;
    size_t length;
    size_t limit;

    assert(step < EXEC_STEP_N);
    assert(error > 0 && error <= ERRNO_MAX);
    for (int rest = error; rest > 0; rest /= 10)
        digits[--first] = (char)('0' + rest % 10);

    length = put(line, 0, EXEC_STATUS_LINE_MAX, prefix);
    length = put(line, length, EXEC_STATUS_LINE_MAX, words[step].name);
    length = put(line, length, EXEC_STATUS_LINE_MAX, " ");
    length = put(line, length, EXEC_STATUS_LINE_MAX, digits + first);
    length = put(line, length, EXEC_STATUS_LINE_MAX, " ");
    limit = length + EXEC_STATUS_DETAIL_MAX - 1;
    length = put(line, length, limit, detail != NULL ? detail : "");
    line[length++] = '\n';
    return length;
}

/* Steps over `text` where the line goes on with it. */
static int skip(const char **line, const char *end, const char *text)
{
    size_t length = strlen(text);

    if ((size_t)(end - *line) < length || memcmp(*line, text, length) != 0)
        return 1;
    *line += length;
    return 0;
}

static int read_step(const char **line, const char *end, enum exec_step *ret_step)
{
    for (enum exec_step step = 0; step < EXEC_STEP_N; step++) {
        const char *at = *line;

        if (skip(&at, end, words[step].name) == 0 && skip(&at, end, " ") == 0) {
            *line = at;
            *ret_step = step;
            return 0;
        }
    }
    return 1;
}

static int read_error(const char **line, const char *end, int *ret_error)
{
    int error = 0;

    while (*line < end && **line >= '0' && **line <= '9') {
        error = error * 10 + (*(*line)++ - '0');
        if (error > ERRNO_MAX)
            return 1;
    }
    *ret_error = error;
    return error == 0;
}

int exec_status_decode(const char *line, size_t size, struct exec_status *ret_status)
{
    struct exec_status status = {0};
    const char *end = line + size;
    size_t length;

    if (size == 0 || *--end != '\n' || skip(&line, end, prefix) > 0 ||
        read_step(&line, end, &status.step) > 0 || read_error(&line, end, &status.error) > 0 ||
        skip(&line, end, " ") > 0)
        return 1;
    length = (size_t)(end - line);
    if (length >= sizeof status.detail)
        return 1;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ')
            return 1;
    memcpy(status.detail, line, length);
    *ret_status = status;
    return 0;
}

const char *exec_status_describe(const struct exec_status *status, char *text, size_t size)
{
    const char *space = status->detail[0] != '\0' ? " " : "";

    assert(status->step < EXEC_STEP_N);
    if (status->step == EXEC_STEP_INTERPRETER || status->step == EXEC_STEP_PARENT ||
        status->step == EXEC_STEP_OPTIONS)
        (void)snprintf(text, size, "%s%s%s", words[status->step].sentence, space,
                       status->detail);
    else
        (void)snprintf(text, size, "%s%s%s: %s", words[status->step].sentence, space,
                       status->detail, strerror(status->error));
    return text;
}
