#include "reloadctl/stream.h"

#include <stdio.h>

enum exit_code talk_stream(struct conversation *talk, const struct varlink_call *call,
                           int (*write)(struct conversation *talk))
{
    int r = talk_send(talk, call);

    while (r == 0) {
        r = talk_receive(talk, INSTANT_NEVER);
        if (r == 0)
            r = write(talk);
        if (r == 0 && (ferror(stdout) || !reply_continues(talk->reply)))
            return EXIT_CODE_DONE;
    }
    return talk_explain(talk, r);
}
