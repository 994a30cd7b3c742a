/* What a worker wrote last before it failed.
 *
 * The primary tells it with the failure where workers write through it. Where they write to the
 * system journal by themselves, it is read there. What can't be read is passed over in silence:
 * the failure itself has been told.
 */
#pragma once

#include "reloadctl/conversation.h"

/* Says on stderr the last lines of the worker that failed. Waits for the journal to have them
 * for a second at most. */
void last_words_complain(const struct conversation *talk, const struct failure_view *failure);

/* What last_words_fill() has made for a view. Zeroed: nothing. */
struct last_words {
    struct slot_view *slots;
    struct failure_view *failures;
    char ***lines; /* for each slot; owned, may be NULL */
    size_t n;
};

void last_words_release(struct last_words *words);

/* Gives the failures of the app's slots the lines that they lack. The view then borrows from
 * *words, which is the caller's. */
void last_words_fill(const struct conversation *talk, struct app_view *app,
                     struct last_words *words);
