/* What a primary answers, as whole Varlink messages (docs/PROTOCOL.md).
 *
 * Each verb writes one message without its closing NUL; *ret_message is the caller's (free).
 * `continues`: more replies to the same call follow. All borrow their view, and return 0 or
 * -ENOMEM.
 */
#pragma once

#include "base/own.h"
#include "wire/varlink.h"
#include "wire/view.h"

MUST_CHECK int present_status(const struct app_view *app, char **ret_message);

/* Of Reload and Follow: accepted (neither step nor outcome), a step, the outcome. */
MUST_CHECK int present_progress(const struct progress_view *progress, bool continues,
                                char **ret_message);
MUST_CHECK int present_scale(const struct scale_view *scale, char **ret_message);
MUST_CHECK int present_logs(const struct logs_view *logs, bool continues, char **ret_message);
MUST_CHECK int present_history(const struct history_view *history, char **ret_message);

/* record_line: a line of the state journal, with or without its "\n". The spec of a revision is
 * left out: its environment has secrets, and events end in the logs of a CI. Also returns
 * -EINVAL where it is no JSON object. */
MUST_CHECK int present_event(const char *record_line, bool continues, char **ret_message);

/* A reply that says nothing but that it is done: of Stop and Upgrade. */
MUST_CHECK int present_done(bool continues, char **ret_message);

/* Of org.varlink.service; `interface` is the call's. An interface that is not there is answered
 * with the error. */
MUST_CHECK int present_info(char **ret_message);
MUST_CHECK int present_description(const char *interface, char **ret_message);

/* An error with the members of its kind (struct error_view); never ERROR_NONE or _UNKNOWN. */
MUST_CHECK int present_error(const struct error_view *error, char **ret_message);
MUST_CHECK int present_refusal(const struct varlink_refusal *refusal, char **ret_message);
