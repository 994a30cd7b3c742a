#include "answer.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

/* A decimal number as a program prints it: no sign, no blank, no leading zero. Moves *text past
 * it. */
static bool take_number(const char **text, uint64_t *ret)
{
    const char *at = *text;
    if (*at < '0' || *at > '9' || (*at == '0' && at[1] >= '0' && at[1] <= '9'))
        return false;
    uint64_t number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            return false;
    }
    *text = at;
    *ret = number;
    return true;
}

static bool take_literal(const char **text, const char *literal)
{
    size_t size = strlen(literal);
    if (strncmp(*text, literal, size) != 0)
        return false;
    *text += size;
    return true;
}

static bool take_revision(const char **text, char ret[REVISION_NAME_SIZE])
{
    size_t size = strspn(*text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789._:-");
    if (size == 0 || size >= REVISION_NAME_SIZE)
        return false;
    memcpy(ret, *text, size);
    ret[size] = '\0';
    *text += size;
    return true;
}

static bool check_greeting(struct answer *answer)
{
    const char *at = answer->line;
    uint64_t id = 0;
    uint64_t pid = 0;
    if (!take_number(&at, &id) || id != answer->id || !take_literal(&at, " ") ||
        !take_revision(&at, answer->revision) || !take_literal(&at, " ") ||
        !take_number(&at, &pid) || pid == 0 || pid > INT32_MAX || *at != '\0')
        return false;
    answer->pid = (int32_t)pid;
    answer->body = answer->streamed ? BODY_CHUNKS : BODY_ENDED;
    return true;
}

static bool check_chunk(struct answer *answer)
{
    const char *at = answer->line;
    uint64_t number = 0;
    bool ends = take_literal(&at, "end ");
    if (!ends && !take_literal(&at, "chunk "))
        return false;
    if (!take_number(&at, &number) || number != answer->chunks || *at != '\0')
        return false;
    if (ends)
        answer->body = BODY_ENDED;
    else
        answer->chunks++;
    return true;
}

static bool check_line(struct answer *answer)
{
    switch (answer->body) {
    case BODY_GREETING:
        return check_greeting(answer);
    case BODY_CHUNKS:
        return check_chunk(answer);
    case BODY_ENDED:
        return false;
    }
    assert(!"a body state that the enum doesn't have");
    return false;
}

/* The callbacks answer http_parser: 0 goes on, -1 ends the parsing. */

static int on_headers_complete(http_parser *parser)
{
    struct answer *answer = parser->data;
    bool length_told = parser->content_length != ULLONG_MAX || (parser->flags & F_CHUNKED) != 0;
    if (parser->status_code != 200)
        answer->verdict = VERDICT_WRONG_STATUS;
    else if (!length_told)
        answer->verdict = VERDICT_BAD_HTTP;
    return answer->verdict == VERDICT_MORE ? 0 : -1;
}

static int on_body(http_parser *parser, const char *bytes, size_t size)
{
    struct answer *answer = parser->data;
    for (size_t i = 0; i < size; i++) {
        bool ends = bytes[i] == '\n';
        if (bytes[i] == '\0' || (!ends && answer->line_n + 1 == sizeof answer->line)) {
            answer->verdict = VERDICT_WRONG_BODY;
            return -1;
        }
        if (!ends) {
            answer->line[answer->line_n++] = bytes[i];
            continue;
        }
        answer->line[answer->line_n] = '\0';
        answer->line_n = 0;
        if (!check_line(answer)) {
            answer->verdict = VERDICT_WRONG_BODY;
            return -1;
        }
    }
    return 0;
}

static int on_message_complete(http_parser *parser)
{
    struct answer *answer = parser->data;
    bool whole = answer->body == BODY_ENDED && answer->line_n == 0;
    answer->verdict = whole ? VERDICT_WHOLE : VERDICT_WRONG_BODY;
    answer->keep_alive = http_should_keep_alive(parser) != 0;
    /* Without the pause the parser would take what follows as the next answer. */
    http_parser_pause(parser, 1);
    return 0;
}

void answer_init(struct answer *answer, uint64_t id, bool streamed)
{
    *answer = (struct answer){.id = id, .streamed = streamed};
    http_parser_init(&answer->parser, HTTP_RESPONSE);
    answer->parser.data = answer;
}

enum verdict answer_feed(struct answer *answer, const char *bytes, size_t size)
{
    static const http_parser_settings settings = {
        .on_headers_complete = on_headers_complete,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
    };

    answer->parser.data = answer;
    answer->received += size;
    size_t parsed = http_parser_execute(&answer->parser, &settings, bytes, size);
    bool failed = HTTP_PARSER_ERRNO(&answer->parser) != HPE_OK;
    if (answer->verdict == VERDICT_WHOLE && parsed != size)
        answer->verdict = VERDICT_BAD_HTTP; /* bytes that nobody asked for */
    else if (answer->verdict == VERDICT_MORE && (failed || parsed != size))
        answer->verdict = VERDICT_BAD_HTTP;
    return answer->verdict;
}
