/* A program that a covered connection has put to sleep is woken.
 *
 * Linux 6.18.44 answers FIONREAD on a covered connection with 0, whatever lies there
 * (tcp_bpf_ioctl(); seen). A program that asks it how much is left, and believes it, waits for
 * more, with the rest of a request unread: nginx does where a request fills its buffer, such as
 * the first 1,024 bytes of a head. So where bytes have lain unread for a while although all
 * threads of the worker sleep, the connection is taken out of the map, whereupon FIONREAD tells
 * the truth, and the program is told once more that there is something to read. It stays
 * watched, and is covered again at the next call.
 */
#pragma once

#include "os/polite_walk.h"

/* Whether no thread of the worker's processes runs or is about to. */
bool polite_worker_sleeps(const struct polite_worker *worker);

/* Does it for one covered connection, whose descriptor is borrowed, if its bytes have lain
 * there long enough. Returns whether it was done. Does not block. */
bool polite_rescue(const struct polite *polite, const struct polite_connection *connection,
                   int fd);
