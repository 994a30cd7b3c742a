/* Durations, counted in buckets that grow with them (the idea of HdrHistogram): 64 buckets for
 * each power of two of microseconds, so that a percentile is off by 1.6 % at most and recording
 * one costs a few instructions. A zeroed histogram is empty.
 */
#pragma once

#include "base/mono.h"

enum {
    HISTOGRAM_SUB_BITS = 6,
    HISTOGRAM_POWERS = 32, /* up to 2^37 microseconds: more than a day */
    HISTOGRAM_BUCKETS = (HISTOGRAM_POWERS + 1) << HISTOGRAM_SUB_BITS,
};

struct histogram {
    uint64_t total;
    uint64_t longest_us;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, struct span span);

/* The duration in milliseconds that `percent` (0 to 100) of all stayed below or at: the upper
 * end of its bucket, and never more than the longest one. 0 where the histogram is empty. */
double histogram_percentile_ms(const struct histogram *histogram, double percent);

double histogram_longest_ms(const struct histogram *histogram);
