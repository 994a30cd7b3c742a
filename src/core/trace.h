/* The core's words for people: one line a record, for the log and for transcripts. */
#pragma once

#include "core/update.h"

/* Such as "worker 12 (slot 0, revision 3): admitted". Writes at most `size` bytes, always
 * terminated. Returns text. */
const char *record_describe(const struct record *record, char *text, size_t size);
