/* Sizes as people write them: "65536", "512M". Private to wire/ and its tests. */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that JSON's integers carry, and so the most that a configuration can say. */
#define SIZE_MOST ((uint64_t)INT64_MAX)

/* Reads the decimal number that `n` bytes are, with K, M, G or T behind it where `units` (times
 * 1024, as systemd has it). Returns 0, or 1 where they are no such number, or one beyond
 * SIZE_MOST. */
MUST_CHECK int size_parse(const char *text, size_t n, bool units, uint64_t *ret_number);
