#include "histogram.h"

#include <math.h>
#include <stddef.h>

static const uint64_t sub_count = UINT64_C(1) << HISTOGRAM_SUB_BITS;

/* Below 2 × 64 µs every microsecond has its bucket; above, `shift` low bits are given up. */
static size_t bucket_of(uint64_t us)
{
    if (us < 2 * sub_count)
        return us;
    unsigned int shift = 63u - (unsigned int)__builtin_clzll(us) - HISTOGRAM_SUB_BITS;
    size_t bucket = ((size_t)shift << HISTOGRAM_SUB_BITS) + (us >> shift);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t bucket_end_us(size_t bucket)
{
    if (bucket < 2 * sub_count)
        return bucket;
    uint64_t shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    uint64_t mantissa = bucket - (shift << HISTOGRAM_SUB_BITS);
    return ((mantissa + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, struct span span)
{
    uint64_t us = span.nanoseconds / 1000u;
    histogram->total++;
    histogram->buckets[bucket_of(us)]++;
    if (us > histogram->longest_us)
        histogram->longest_us = us;
}

double histogram_percentile_ms(const struct histogram *histogram, double percent)
{
    if (histogram->total == 0)
        return 0;
    uint64_t wanted = (uint64_t)ceil((double)histogram->total * percent / 100.0);
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted && seen > 0) {
            uint64_t end = bucket_end_us(i);
            return (double)(end < histogram->longest_us ? end : histogram->longest_us) / 1e3;
        }
    }
    return histogram_longest_ms(histogram);
}

double histogram_longest_ms(const struct histogram *histogram)
{
    return (double)histogram->longest_us / 1e3;
}
