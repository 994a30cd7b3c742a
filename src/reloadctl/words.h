/* Numbers and states as people read them. */
#pragma once

#include "wire/view.h"

#include <stddef.h>

enum {
    WORDS_SIZE = 48, /* enough for each of these, with the closing NUL */
    WORDS_CONNECTIONS_SIZE = 192,
};

/* All write into `text` and return it. */

/* "0.3 s", "47 s", "5 min 2 s", "3 h 10 min", "4 d 2 h"; less than nothing counts as nothing (a
 * clock was set back). */
const char *words_span(double seconds, char text[static WORDS_SIZE]);

/* "2026-01-31 23:59:58", in local time. */
const char *words_time(double since_epoch, char text[static WORDS_SIZE]);

/* "812 KiB", "61.5 MiB". */
const char *words_bytes(int64_t bytes, char text[static WORDS_SIZE]);

/* "3 active, 12 idle, 2 queued (oldest 41 s)"; "no connections". */
const char *words_connections(const struct connections_view *connections,
                              char text[static WORDS_CONNECTIONS_SIZE]);

/* A worker's state: "starting" for spawning and starting, "ready" for admitted, … An unknown
 * one is its own word. */
const char *words_worker_state(const char *state);

/* What a rollout's state means, such as "rolling out revision 8". The app's name is not in it.
 * `text` has `size` bytes. */
const char *words_rollout(const struct app_view *app, char *text, size_t size);
