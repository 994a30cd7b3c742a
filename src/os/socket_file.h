/* The file of a unix listener, against programs that remove it.
 *
 * A unix socket is bound once, and reached by its file. Programs that bind a path unlink what
 * is there before (gunicorn), and many unlink it when they end (Node, nginx), though others
 * still accept from the same socket; and a file that is gone can't be made again, for a socket
 * is bound just once. But a socket's file may have a second name (link(2)), by which clients
 * reach it as well (unix_find_bsd() in net/unix/af_unix.c goes by the inode). So a second link
 * is kept beside it, "/run/.web.sock.kept" for "/run/web.sock", and linked back when the first
 * is missing.
 *
 * All of this concerns files of one's own, or needs CAP_FOWNER (fs.protected_hardlinks).
 */
#pragma once

#include "base/own.h"

/* Makes the second link, or finds it there; one of another file is replaced. Returns 0;
 * -ENOENT where the file is not there, and no second link either; -EPERM; -errno. */
MUST_CHECK int socket_file_keep(const char *path);

/* Has the file there again. Returns 0: it was; 1: it was linked back; -EEXIST: another file has
 * its name; -ENOENT: the second link is gone, too; -errno. */
MUST_CHECK int socket_file_restore(const char *path);

/* Removes the second link. */
void socket_file_forget(const char *path);
