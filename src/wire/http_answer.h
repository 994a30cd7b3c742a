/* An HTTP/1 response, as far as a probe wants to know: its status, and that it is whole.
 *
 * The bytes may be anybody's: they are read by http_parser (Node's, as libhttp-parser), in
 * pieces of any size. Responses of the kind "100 Continue" are passed over, as RFC 9110 has it
 * (15.2); what follows a whole response is not looked at.
 */
#pragma once

#include "base/own.h"

#include <stddef.h>

struct http_answer;

/* Returns 0 or -ENOMEM. */
MUST_CHECK int http_answer_new(struct http_answer **ret_answer);

/* NULL is ignored. */
void http_answer_free(struct http_answer *answer);

/* Takes the next bytes; none (size 0) say that the connection has ended. Returns 0 where more
 * is to come; 1 where the response is whole, also for a size of 0, and http_answer_status() has
 * its status; -EBADMSG where it is not HTTP; -ENODATA where it ended before it was whole. After
 * anything but 0 it must not be called again. */
MUST_CHECK int http_answer_feed(struct http_answer *answer, const char *bytes, size_t size);

/* The status, 100 … 999, as soon as the head of the response is there; 0 before. */
MUST_CHECK int http_answer_status(const struct http_answer *answer);
