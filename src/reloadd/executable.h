/* Which file a command means, found as execvpe(3) would find it in the worker. */
#pragma once

#include "base/own.h"

/* Finds the file that `name` means: in the folders of `search_path` (as $PATH) where it has no
 * slash, else itself, both from `directory` where they are relative. NULL is a directory that
 * is not known, and a search path where `name` needs none. *ret_path is the caller's, its real
 * path, with all links followed. Reads the file system. Returns 0; 1 where it hangs on the
 * directory that is not known; -ENOENT where there is no such file; -EACCES where there is one
 * that may not be executed or looked at; -EISDIR; -ENOMEM; -errno of realpath(3). */
MUST_CHECK int executable_find(const char *name, const char *directory, const char *search_path,
                               char **ret_path);

/* Whether the kernel could run the file at `path` as it says itself: 0, also where that can't
 * be seen; 1 where it is a script whose interpreter can't be executed, and *ret_interpreter,
 * the caller's, is what its first line names; -ENOMEM. A relative interpreter counts from
 * `directory`; NULL: that is not known. */
MUST_CHECK int executable_check_script(const char *path, const char *directory,
                                       char **ret_interpreter);
