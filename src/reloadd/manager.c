#include "reloadd/manager.h"

#include "reloadd/app.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

static unsigned count_admitted(const struct rollout *rollout)
{
    unsigned admitted = 0;

    for (size_t i = 0; i < rollout->worker_n; i++)
        admitted += rollout->workers[i].state == WORKER_ADMITTED;
    return admitted;
}

static const char *const state_words[ROLLOUT_STATE_N] = {
    [ROLLOUT_STEADY] = "",
    [ROLLOUT_FORWARD] = ", the next one is being rolled out",
    [ROLLOUT_SETTLING] = ", old workers drain",
    [ROLLOUT_REVERTING] = ", going back to it",
    [ROLLOUT_STOPPING] = ", stopping",
    [ROLLOUT_STOPPED] = ", stopped",
};

static void say_status(struct app *app)
{
    const struct rollout *rollout = app->rollout;
    char status[sizeof(app->manager_status)];

    (void)snprintf(status, sizeof(status), "STATUS=%u of %u workers ready, revision %llu%s",
                   count_admitted(rollout), rollout_desired(rollout),
                   (unsigned long long)rollout->stable, state_words[rollout->state]);
    if (strcmp(status, app->manager_status) == 0)
        return;
    memcpy(app->manager_status, status, sizeof(status));
    (void)sd_notify(0, status);
}

void manager_update(struct app *app)
{
    const struct rollout *rollout = app->rollout;
    bool rolling = rollout->state == ROLLOUT_FORWARD || rollout->state == ROLLOUT_REVERTING;

    say_status(app);
    if (rollout->state >= ROLLOUT_STOPPING) {
        (void)sd_notify(0, "STOPPING=1");
        return;
    }
    if (!app->manager_ready) {
        /* READY means that the app serves as it was asked to: every slot has its worker. */
        if (rollout->stable != 0 && !rolling &&
            count_admitted(rollout) >= rollout_desired(rollout)) {
            app->manager_ready = true;
            (void)sd_notify(0, "READY=1");
        }
        return;
    }
    if (rolling != app->manager_reloading) {
        app->manager_reloading = rolling;
        /* MONOTONIC_USEC is what systemd ≥ 253 matches the later READY=1 by (sd_notify(3)). */
        if (rolling)
            (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
                             (unsigned long long)(loop_now(app->loop).nanoseconds / 1000));
        else
            (void)sd_notify(0, "READY=1");
    }
}
