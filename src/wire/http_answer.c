#include "wire/http_answer.h"

#include "base/error.h"

#include <http_parser.h>
#include <stdbool.h>

struct http_answer {
    http_parser parser;
    int status;
    bool whole;
};

enum {
    STATUS_SWITCHING_PROTOCOLS = 101,
    STATUS_OK = 200,
};

/* 101 is no interim response: what follows it is another protocol. */
static bool is_interim(int status)
{
    return status < STATUS_OK && status != STATUS_SWITCHING_PROTOCOLS;
}

/* The callbacks answer http_parser: 0 goes on, -1 ends the parsing. */

static int on_headers_complete(http_parser *parser)
{
    struct http_answer *answer = parser->data;
    int status = (int)parser->status_code;

    if (!is_interim(status))
        answer->status = status;
    return status >= 100 ? 0 : -1;
}

static int on_message_complete(http_parser *parser)
{
    struct http_answer *answer = parser->data;

    answer->whole = answer->status != 0;
    /* Without the pause the parser would take what follows as the next response. */
    if (answer->whole)
        http_parser_pause(parser, 1);
    return 0;
}

int http_answer_new(struct http_answer **ret_answer)
{
    struct http_answer *answer = calloc(1, sizeof(*answer));

    if (answer == NULL)
        return -ENOMEM;
    http_parser_init(&answer->parser, HTTP_RESPONSE);
    answer->parser.data = answer;
    *ret_answer = answer;
    return 0;
}

void http_answer_free(struct http_answer *answer)
{
    free(answer);
}

int http_answer_feed(struct http_answer *answer, const char *bytes, size_t size)
{
    static const http_parser_settings settings = {
        .on_headers_complete = on_headers_complete,
        .on_message_complete = on_message_complete,
    };

    (void)http_parser_execute(&answer->parser, &settings, bytes, size);
    if (answer->whole)
        return 1;
    if (size == 0)
        return -ENODATA;
    return HTTP_PARSER_ERRNO(&answer->parser) == HPE_OK ? 0 : -EBADMSG;
}

int http_answer_status(const struct http_answer *answer)
{
    return answer->status;
}
