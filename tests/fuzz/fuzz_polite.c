/* The head of a response, with the change applied as bpf/polite.bpf.c applies it: it differs
 * from what was sent in that one field of that one head, and a second reading, by other means,
 * agrees.
 *
 * The oracle splits the head into lines and words as one does in a language with strings, and
 * knows nothing of the state machine. */
#include "bpf/polite_head.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    SIZE_MAX_HERE = 8192,
};

#define MUST(condition)                                                                        \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                    \
            abort();                                                                           \
        }                                                                                      \
    } while (0)

struct text {
    char bytes[SIZE_MAX_HERE + 64];
    size_t size;
};

/* What the Connection fields of a head say, by the oracle. */
struct said {
    bool keep_alive;
    bool close;
    bool upgrade;
    unsigned fields;
    unsigned long words;
};

static void note_word(struct said *said, const char *word, size_t size)
{
    while (size > 0 && (*word == ' ' || *word == '\t'))
        word++, size--;
    while (size > 0 && (word[size - 1] == ' ' || word[size - 1] == '\t'))
        size--;
    said->words += size > 0;
    said->keep_alive |= size == 10 && strncasecmp(word, "keep-alive", size) == 0;
    said->close |= size == 5 && strncasecmp(word, "close", size) == 0;
    said->upgrade |= size == 7 && strncasecmp(word, "upgrade", size) == 0;
}

static void note_line(struct said *said, const char *line, size_t size)
{
    const char *end = line + size;
    const char *at = line + strlen("connection:");

    if (size < strlen("connection:") || strncasecmp(line, "connection:", 11) != 0)
        return;
    said->fields++;
    while (at <= end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));

        note_word(said, at, (size_t)((comma ? comma : end) - at));
        if (comma == NULL)
            break;
        at = comma + 1;
    }
}

/* Where the head ends, by the oracle: 0 where there is no end. */
static size_t read_said(const struct text *text, struct said *said)
{
    const char *at = text->bytes;
    const char *end = text->bytes + text->size;

    memset(said, 0, sizeof *said);
    for (;;) {
        const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);

        if (line_end == NULL)
            return 0;
        if (line_end == at)
            return (size_t)(at + 2 - text->bytes);
        note_line(said, at, (size_t)(line_end - at));
        at = line_end + 2;
    }
}

static struct polite_head read_head(const struct text *text)
{
    struct polite_head head = {0};

    for (__u32 i = 0; i < text->size; i++)
        if (!polite_head_step(&head, (unsigned char)text->bytes[i], i))
            break;
    return head;
}

/* As the kernel's half does it. */
static struct text apply(const struct text *text, const struct polite_head *head)
{
    struct text changed = *text;

    if (polite_head_advice(head) == POLITE_ADVICE_REPLACE) {
        MUST(head->keep_at + POLITE_WORD_SIZE <= head->end);
        memcpy(changed.bytes + head->keep_at, "     close", POLITE_WORD_SIZE);
    } else if (polite_head_advice(head) == POLITE_ADVICE_INSERT) {
        memmove(changed.bytes + head->status_end + POLITE_FIELD_SIZE,
                changed.bytes + head->status_end, text->size - head->status_end);
        memcpy(changed.bytes + head->status_end, POLITE_FIELD, POLITE_FIELD_SIZE);
        changed.size += POLITE_FIELD_SIZE;
    }
    return changed;
}

static void check_advice(const struct polite_head *head, const struct said *said)
{
    switch (polite_head_advice(head)) {
    case POLITE_ADVICE_INTERIM:
    case POLITE_ADVICE_UPGRADED:
        MUST(head->status < 200);
        break;
    case POLITE_ADVICE_CLOSING:
        MUST(said->close || (head->minor == 0 && !said->keep_alive));
        break;
    case POLITE_ADVICE_LEAVE:
        MUST(said->upgrade && !said->close);
        break;
    case POLITE_ADVICE_REPLACE:
        MUST(said->keep_alive && !said->close && !said->upgrade);
        break;
    case POLITE_ADVICE_INSERT:
        MUST(!said->keep_alive && !said->close && !said->upgrade && head->minor == 1);
        break;
    }
}

/* The changed head says close, as much else as before, and is changed only there. */
static void check_change(const struct text *text, const struct text *changed,
                         const struct polite_head *head, const struct said *before)
{
    bool replaced = polite_head_advice(head) == POLITE_ADVICE_REPLACE;
    bool inserted = polite_head_advice(head) == POLITE_ADVICE_INSERT;
    struct said after;
    struct polite_head again = read_head(changed);
    size_t at = replaced ? head->keep_at : head->status_end;
    size_t old_end = at + (replaced ? POLITE_WORD_SIZE : 0);
    size_t new_end = at + (replaced ? POLITE_WORD_SIZE : POLITE_FIELD_SIZE);

    if (!replaced && !inserted) {
        MUST(changed->size == text->size &&
             memcmp(changed->bytes, text->bytes, text->size) == 0);
        return;
    }
    MUST(memcmp(changed->bytes, text->bytes, at) == 0);
    MUST(changed->size - new_end == text->size - old_end);
    MUST(memcmp(changed->bytes + new_end, text->bytes + old_end, text->size - old_end) == 0);
    MUST(read_said(changed, &after) == head->end + changed->size - text->size);
    MUST(after.close);
    MUST(after.fields == before->fields + inserted);
    MUST(after.words == before->words + inserted);
    MUST(again.state == POLITE_HEAD_WHOLE && again.status == head->status);
    MUST(polite_head_advice(&again) == POLITE_ADVICE_CLOSING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char begin[] = "HTTP/1.1 200 OK\r\n";
    struct text text = {0};
    struct text changed;
    struct polite_head head;
    struct said said;
    size_t end;

    if (size == 0 || size > SIZE_MAX_HERE - sizeof begin)
        return 0;
    /* Half of all inputs begin as heads do, so that the rest of the machine is reached. */
    if (data[0] & 1) {
        memcpy(text.bytes, begin, sizeof begin - 1);
        text.size = sizeof begin - 1;
    }
    memcpy(text.bytes + text.size, data + 1, size - 1);
    text.size += size - 1;
    head = read_head(&text);
    if (head.state != POLITE_HEAD_WHOLE)
        return 0;
    end = read_said(&text, &said);
    MUST(end == head.end);
    check_advice(&head, &said);
    changed = apply(&text, &head);
    check_change(&text, &changed, &head, &said);
    return 0;
}
