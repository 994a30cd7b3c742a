#include "reloadd/lanes.h"

#include "reloadd/app.h"
#include "reloadd/process.h"

int lanes_seat(struct process *process)
{
    (void)process;
    return 0;
}

int lanes_join(struct process *process, const struct listener *listener)
{
    (void)process, (void)listener;
    return 0;
}

int lanes_fd(const struct process *process, const struct listener *listener)
{
    (void)process;
    return listener->fd;
}

bool lanes_is_own(const struct process *process, const struct listener *listener)
{
    (void)process, (void)listener;
    return false;
}

unsigned lanes_waiting(const struct process *process)
{
    (void)process;
    return 0;
}

bool lanes_have_emptied(struct process *process)
{
    (void)process;
    return true;
}

void lanes_steer(struct app *app)
{
    (void)app;
}

int lanes_probe_begin(struct process *process, const struct listener *listener,
                      struct steering_probe_ends *ret_ends)
{
    (void)process, (void)listener, (void)ret_ends;
    return 1;
}

void lanes_probe_end(struct process *process, const struct steering_probe_ends *ends)
{
    (void)process, (void)ends;
}
