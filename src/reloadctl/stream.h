/* A call that is answered by many replies. */
#pragma once

#include "reloadctl/conversation.h"

/* Sends the call and writes each of its replies by `write` (which returns 0 or what
 * talk_explain() takes), until the last one or until nobody reads stdout any more. */
enum exit_code talk_stream(struct conversation *talk, const struct varlink_call *call,
                           int (*write)(struct conversation *talk));
