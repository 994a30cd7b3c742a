/* A number that may be absent. Zeroed: absent. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct optional_int {
    bool present;
    int64_t value;
};

struct optional_float {
    bool present;
    double value;
};

static inline struct optional_int optional_int(int64_t value)
{
    return (struct optional_int){.present = true, .value = value};
}

static inline struct optional_float optional_float(double value)
{
    return (struct optional_float){.present = true, .value = value};
}
