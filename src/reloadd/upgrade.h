/* Upgrade of reloadd itself: the primary executes the program that is now at its path, in
 * place: same pid, same children, and the descriptors that the service manager would hand over
 * after a crash, handed over the same way. So what begins is recovery (recover.h), and no path
 * of its own.
 */
#pragma once

#include "base/own.h"

struct app;

enum { UPGRADE_ERROR_SIZE = 512 };

/* Asks the new program whether it can go on from the state journal; waits for its answer, 10 s
 * at most. Returns 0; 1 where the app goes on as it is, with the reason in `error`. */
MUST_CHECK int upgrade_begin(struct app *app, char error[static UPGRADE_ERROR_SIZE]);

/* Executes it; to be called when whoever asked has the answer. Does not return: where the
 * program can't be executed, the service manager starts the primary again. */
_Noreturn void upgrade_execute(struct app *app);

/* `reloadd --check-journal`: whether this program can read the app's journal. Returns an exit
 * code; says on stderr why not. */
MUST_CHECK int upgrade_check_journal(const char *app);
