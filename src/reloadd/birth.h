/* What a worker is born with: its notify socket, its cgroup, its environment, where it writes
 * to; and the birth itself. Nothing is watched here yet: process.h.
 */
#pragma once

#include "os/spawn.h"
#include "wire/spec.h"

struct process;

/* Sets process->notify_path, for a socket that is there already. Returns 0 or -ENOMEM. */
MUST_CHECK int birth_name_notify_socket(struct process *process);

/* Names it, binds it, and has it kept for the next primary; *ret_fd is the caller's. Returns 0
 * or -errno. */
MUST_CHECK int birth_open_notify_socket(struct process *process, const struct spec *spec,
                                        int *ret_fd);

/* Makes process->cgroup, or finds it there; where the app has no place, there is none. Returns
 * 0 or -errno. */
MUST_CHECK int birth_make_cgroup(struct process *process);

/* A stream to the system journal, the caller's; -1: there is none, and the worker writes to
 * where the primary does. */
MUST_CHECK int birth_open_stream(const struct process *process);

/* Starts the process; it writes to `output_fd`, -1: the primary's own stdout and stderr.
 * Returns 0 or -errno. */
MUST_CHECK int birth_spawn(struct process *process, const struct spec *spec, int output_fd,
                           struct spawned *ret_spawned);
