/* The service unit of an app. docs/SYSTEMD.md has the reason of each directive. */
#pragma once

#include "generator/sockets.h"

struct service_request {
    struct unit_origin origin;
    const char *programs;    /* folder of reloadd and reloadctl */
    const struct spec *spec; /* of the newest configuration that can be read; may be all zero */
    const struct socket_plan *sockets;
    unsigned systemd_version; /* 0: unknown, taken for an old one */
    bool of_user;             /* for a user's manager */
};

/* Adds the unit's text. Returns 0 or -ENOMEM. */
MUST_CHECK int service_write(struct text *text, const struct service_request *request);
