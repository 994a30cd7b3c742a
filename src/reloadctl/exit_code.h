/* What reloadctl's exit status says. The numbers are a promise to scripts, to CI and to
 * `systemctl reload`; the manual page lists them in the same words.
 */
#pragma once

enum exit_code {
    EXIT_CODE_DONE = 0,        /* done; status: healthy */
    EXIT_CODE_FAILED = 1,      /* the rollout failed, the old revision serves; status: fewer
                                  workers serve than are wanted; output could not be written */
    EXIT_CODE_USAGE = 2,       /* wrong usage */
    EXIT_CODE_UNREACHABLE = 3, /* no such app, or its primary is not there or talks nonsense */
    EXIT_CODE_SUPERSEDED = 4,  /* a newer reload took its place */
    EXIT_CODE_REFUSED = 5, /* bad configuration, failed check, busy, stopping, no journal, no
                              upgrade */
    EXIT_CODE_NOT_YET = 6, /* --timeout was reached first, or systemd waits for us */
};
