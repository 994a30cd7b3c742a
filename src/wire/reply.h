/* What a primary has answered, for who asked: the inverse of wire/present.h.
 *
 * A reply is decoded once and then asked for the view that its call makes it have. The views,
 * and all they point to, are borrowed from the reply.
 */
#pragma once

#include "base/own.h"
#include "wire/fault.h"
#include "wire/view.h"

struct reply;

/* Reads the `size` bytes of one message (without NUL). *ret_reply is the caller's (reply_free).
 * Returns 0, -ENOMEM, or 1: this is no Varlink reply, and `ret_fault` (may be NULL) says why.
 */
MUST_CHECK int reply_decode(const char *text, size_t size, struct reply **ret_reply,
                            struct fault *ret_fault);

/* NULL is ignored. */
void reply_free(struct reply *reply);

static inline void cleanup_reply(struct reply **reply)
{
    reply_free(*reply);
}

#define _cleanup_reply_ _cleanup_(cleanup_reply)

/* Whether more replies to the same call follow. */
bool reply_continues(const struct reply *reply);

/* Whether it is an error; ret_error->kind is then never ERROR_NONE. An error that this build
 * does not know, or whose parameters are not as they should be, is ERROR_UNKNOWN with its name.
 */
bool reply_error(const struct reply *reply, struct error_view *ret_error);

/* The parameters as the method's view. Each returns 0, -ENOMEM, or 1 with `ret_fault` (may be
 * NULL): it is an error, or the reply of another method. */
MUST_CHECK int reply_app(struct reply *reply, struct app_view *ret_app,
                         struct fault *ret_fault);
MUST_CHECK int reply_progress(struct reply *reply, struct progress_view *ret_progress,
                              struct fault *ret_fault);
MUST_CHECK int reply_scale(struct reply *reply, struct scale_view *ret_scale,
                           struct fault *ret_fault);
MUST_CHECK int reply_logs(struct reply *reply, struct logs_view *ret_logs,
                          struct fault *ret_fault);
MUST_CHECK int reply_history(struct reply *reply, struct history_view *ret_history,
                             struct fault *ret_fault);
MUST_CHECK int reply_info(struct reply *reply, struct info_view *ret_info,
                          struct fault *ret_fault);
MUST_CHECK int reply_description(struct reply *reply, struct description_view *ret_description,
                                 struct fault *ret_fault);

/* The parameters, or the one named `member` of them, as JSON text, for --json; *ret_text is the
 * caller's (free). indent: spaces a level, 0: all in one line. Returns 0, -ENOMEM, or 1 where
 * there is no such member. */
MUST_CHECK int reply_text(const struct reply *reply, const char *member, unsigned indent,
                          char **ret_text);
