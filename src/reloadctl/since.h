/* Moments as people type them, for --since.
 *
 *     -90s, 15min, 2h ago, 3 days ago   so long before now
 *     now, today, yesterday             the last two at 00:00
 *     14:30, 14:30:15                   today
 *     2026-11-21, 2026-11-21 14:30[:15] also with a T between
 *     2026-11-21T14:30:15Z, …+02:00     of that zone; the others are local time
 *     @1795223700                       seconds since the epoch
 *
 * Units of a span: s, sec, second(s); m, min, minute(s); h, hour(s); d, day(s); w, week(s).
 */
#pragma once

#include "base/own.h"
#include "wire/wall.h"

/* Reads the moment; `now` is the present one. Reads the environment (TZ). Returns 0, or 1 where
 * the text is none, or one before 1970. */
MUST_CHECK int since_parse(const char *text, struct wall now, struct wall *ret_since);
