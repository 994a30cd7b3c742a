/* Any bytes as a Varlink call, a reply and an einhorn acknowledgement: what is taken as a call
 * can be written again, and is then taken as the same. */
#include "base/own.h"
#include "wire/einhorn.h"
#include "wire/present.h"
#include "wire/reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_call(const char *text, size_t size)
{
    _cleanup_(varlink_call_release) struct varlink_call call = {0};
    _cleanup_(varlink_call_release) struct varlink_call call_again = {0};
    _cleanup_free_ char *again = NULL;
    _cleanup_free_ char *once_more = NULL;
    struct varlink_refusal refusal;
    struct fault fault;
    int r = varlink_call_decode(text, size, &call, &refusal, &fault);

    if (r == VARLINK_REFUSED && present_refusal(&refusal, &again) != 0)
        abort();
    if (r != 0)
        return;
    if (varlink_call_encode(&call, &again) != 0 ||
        varlink_call_decode(again, strlen(again), &call_again, &refusal, &fault) != 0 ||
        varlink_call_encode(&call_again, &once_more) != 0 || strcmp(again, once_more) != 0)
        abort();
}

static void check_reply(const char *text, size_t size)
{
    _cleanup_reply_ struct reply *reply = NULL;
    _cleanup_free_ char *again = NULL;
    struct error_view error;
    struct app_view app;
    struct progress_view progress;
    struct history_view history;
    struct logs_view logs;

    if (reply_decode(text, size, &reply, NULL) != 0)
        return;
    (void)reply_error(reply, &error);
    if (reply_app(reply, &app, NULL) == 0 && present_status(&app, &again) != 0)
        abort();
    if (reply_progress(reply, &progress, NULL) == 0) {
        free(take_ptr(again));
        if (present_progress(&progress, false, &again) != 0)
            abort();
    }
    if (reply_history(reply, &history, NULL) < 0 || reply_logs(reply, &logs, NULL) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int32_t pid;

    check_call((const char *)data, size);
    check_reply((const char *)data, size);
    if (einhorn_ack_parse((const char *)data, size, &pid) == 0 && pid <= 0)
        abort();
    return 0;
}
