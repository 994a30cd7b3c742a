/* What a signal does to a process, as far as it can be seen from outside: SigBlk, SigIgn and
 * SigCgt of /proc/PID/status (proc(5)).
 *
 * That a program catches a signal does not say that it has a use for it. The runtimes of some
 * languages catch signals for every program: Node does SIGTERM, to put the terminal in order
 * and end all the same, with the same masks whether or not a script listens for it (seen: Node
 * 20); the Java machine does, to run what may be registered; Go's runtime catches whatever it
 * can, and ends the program where nobody has asked for the signal.
 */
#pragma once

#include "base/own.h"

#include <sys/types.h>

enum signal_fate {
    SIGNAL_ENDS,       /* the kernel's default, which for a signal that asks to go is the end */
    SIGNAL_IS_IGNORED, /* nothing comes of it */
    SIGNAL_IS_MUTE,    /* caught by a runtime: what comes of it can't be seen from outside */
    SIGNAL_IS_CAUGHT,  /* by the program, or blocked, for sigwait(3) or signalfd(2) */
};

/* Asks it of a process's main thread. Returns 0; 1 where there is no such process; -EBADMSG;
 * -errno. */
MUST_CHECK int signal_fate_look(pid_t pid, int signal_number, enum signal_fate *ret_fate);
