/* The workers of a reload that is under way, as its steps tell of them. */
#pragma once

#include "base/own.h"
#include "reloadctl/render.h"

struct progress_worker;

/* Zeroed: no worker is known yet. */
struct progress {
    struct progress_worker *workers; /* in the order they were first heard of */
    size_t worker_n;
};

/* Returns 0 or -ENOMEM. */
MUST_CHECK int progress_take(struct progress *progress, const struct step_view *step);

void progress_release(struct progress *progress);

/* A line for each worker, with the time it has been at it or took; those that are done are left
 * out where the terminal has not enough rows. */
void progress_render(const struct progress *progress, const struct rendering *rendering);

/* One step as one line, where lines can't be drawn again: "slot 0: worker 12 (revision 7, pid
 * 5) ready after 0.4 s"; of a worker that drains, its connections. To be called after
 * progress_take(). */
void progress_render_step(const struct progress *progress, const struct rendering *rendering,
                          const struct step_view *step);
