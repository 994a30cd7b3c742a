#include "reloadd/output.h"

#include "base/error.h"
#include "base/text.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    OUTPUT_LINES_MAX = 1024,
    OUTPUT_BYTES_MAX = 128 * 1024,
};

struct output {
    bool colour;
    output_listener *listener;
    void *user;
    uint64_t next_number;
    uint64_t lost; /* lines that stdout did not take since it last took one */
    bool cut;      /* of the last one it took a part */
    size_t first;  /* index of the oldest line */
    size_t n;
    size_t bytes;
    struct output_line lines[OUTPUT_LINES_MAX];
};

int output_new(bool colour, output_listener *listener, void *user, struct output **ret_output)
{
    struct output *output = calloc(1, sizeof(*output));

    if (!output)
        return -ENOMEM;
    output->colour = colour;
    output->listener = listener;
    output->user = user;
    output->next_number = 1;
    *ret_output = output;
    return 0;
}

static struct output_line *output_at(struct output *output, size_t i)
{
    return &output->lines[(output->first + i) % OUTPUT_LINES_MAX];
}

static void output_drop_oldest(struct output *output)
{
    struct output_line *oldest = output_at(output, 0);

    output->bytes -= strlen(oldest->text) + 1;
    free(oldest->text);
    *oldest = (struct output_line){0};
    output->first = (output->first + 1) % OUTPUT_LINES_MAX;
    output->n--;
}

void output_free(struct output *output)
{
    if (!output)
        return;
    while (output->n > 0)
        output_drop_oldest(output);
    free(output);
}

/* Asked first, for O_NONBLOCK on a terminal would be shared with everybody who has it. A pipe
 * that polls writable takes PIPE_BUF bytes at once; a longer line may wait for its reader. */
static bool stdout_is_writable(void)
{
    struct pollfd poll_fd = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLOUT);
}

static size_t stdout_write(const char *data, size_t size)
{
    size_t written = 0;

    while (written < size && stdout_is_writable()) {
        size_t piece = size - written < 4096 ? size - written : 4096;
        ssize_t n = write(STDOUT_FILENO, data + written, piece);

        if (n < 0 && errno != EINTR)
            break;
        if (n > 0)
            written += (size_t)n;
    }
    return written;
}

/* "0 r3 | text": the slot keeps its colour over all its workers. */
static int output_format(const struct output *output, const struct output_line *line,
                         const char *text, size_t size, struct text *shown)
{
    int r;

    r = output->colour ? text_appendf(shown, "\033[%um%u r%llu |\033[0m ", 31 + line->slot % 6,
                                      line->slot, (unsigned long long)line->revision)
                       : text_appendf(shown, "%u r%llu | ", line->slot,
                                      (unsigned long long)line->revision);
    if (r < 0)
        return r;
    r = output->colour ? text_append_visible(shown, text, size)
                       : text_append(shown, text, size);
    if (r < 0)
        return r;
    return text_append(shown, "\n", 1);
}

static void output_show(struct output *output, const struct output_line *line, const char *text,
                        size_t size)
{
    _cleanup_text_ struct text shown = {0};
    size_t written = 0;
    int r = 0;

    if (output->lost > 0)
        r = text_appendf(&shown, "%sreloadd: %llu %s lost here\n", output->cut ? "\n" : "",
                         (unsigned long long)output->lost,
                         output->lost == 1 ? "line was" : "lines were");
    if (r == 0)
        r = output_format(output, line, text, size, &shown);
    if (r == 0)
        written = stdout_write(shown.data, shown.size);
    if (written > 0)
        output->cut = shown.data[written - 1] != '\n';
    output->lost = r == 0 && written == shown.size ? 0 : output->lost + 1;
}

/* A line may hold NULs, and C strings, which clients get, may not. NULL: out of memory. */
static char *line_copy(const char *text, size_t size)
{
    char *copy = malloc(size + 1);

    if (!copy)
        return NULL;
    for (size_t i = 0; i < size; i++)
        copy[i] = text[i] != '\0' ? text[i] : '?';
    copy[size] = '\0';
    return copy;
}

void output_add(struct output *output, const struct output_line *line, const char *text,
                size_t size)
{
    struct output_line *kept;
    char *copy;

    if (line->worker != 0)
        output_show(output, line, text, size);
    copy = line_copy(text, size);
    if (!copy)
        return;
    while (output->n == OUTPUT_LINES_MAX ||
           (output->n > 0 && output->bytes + size + 1 > OUTPUT_BYTES_MAX))
        output_drop_oldest(output);
    kept = output_at(output, output->n++);
    *kept = *line;
    kept->number = output->next_number++;
    kept->text = copy;
    output->bytes += size + 1;
    output->listener(output->user, kept);
}

size_t output_tail(const struct output *output,
                   bool (*wanted)(const struct output_line *, const void *), const void *user,
                   const struct output_line **lines, size_t max)
{
    size_t found = 0;
    size_t i = output->n;

    while (i > 0 && found < max) {
        const struct output_line *line =
            &output->lines[(output->first + --i) % OUTPUT_LINES_MAX];

        if (wanted(line, user))
            lines[max - ++found] = line;
    }
    memmove(lines, lines + (max - found), found * sizeof(*lines));
    return found;
}
