/* Where clang, bpftool or libbpf were missing when reloadd was built (src/bpf/bpf.cmake). */
#include "os/polite.h"

static const char absent[] =
    "reloadd was built without it (clang, bpftool or libbpf was missing)";

int polite_check(const char **ret_why)
{
    *ret_why = absent;
    return 1;
}

const char *polite_reason(int error)
{
    (void)error;
    return absent;
}

int polite_open(uint32_t connections, struct polite *ret_polite)
{
    (void)connections;
    (void)ret_polite;
    return -EOPNOTSUPP;
}

void polite_release(struct polite *polite)
{
    (void)polite;
}

int polite_cover(const struct polite *polite, const struct polite_worker *worker,
                 struct polite_covered *ret_covered)
{
    (void)polite;
    (void)worker;
    (void)ret_covered;
    return -EOPNOTSUPP;
}

int polite_look(const struct polite *polite, uint32_t owner, struct polite_counts *ret_counts)
{
    (void)polite;
    (void)owner;
    (void)ret_counts;
    return -EOPNOTSUPP;
}

int polite_end_idle(const struct polite *polite, const struct polite_worker *worker,
                    struct span idle, unsigned *ret_count)
{
    (void)polite;
    (void)worker;
    (void)idle;
    (void)ret_count;
    return -EOPNOTSUPP;
}

int polite_watch(const struct polite *polite, const struct polite_worker *worker,
                 struct polite_covered *ret_covered)
{
    (void)polite;
    (void)worker;
    (void)ret_covered;
    return -EOPNOTSUPP;
}

int polite_unwatch(const struct polite *polite, const struct polite_worker *worker)
{
    (void)polite;
    (void)worker;
    return -EOPNOTSUPP;
}

int polite_forget(const struct polite *polite, uint32_t owner)
{
    (void)polite;
    (void)owner;
    return -EOPNOTSUPP;
}
