/* What the tests of os/ share: a folder that is gone afterwards, and children on a leash. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/own.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static inline int scratch_setup(void **state)
{
    char template[] = "/tmp/reloadd-test-XXXXXX";

    if (mkdtemp(template) == NULL || chmod(template, 0755) < 0)
        return -1;
    *state = strdup(template);
    return *state != NULL ? 0 : -1;
}

static inline int scratch_remove_one(const char *path, const struct stat *status, int type,
                                     struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static inline int scratch_teardown(void **state)
{
    int rv = nftw(*state, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);

    free(*state);
    return rv;
}

#define scratch_test(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

/* "SCRATCH/NAME", in `path`. */
static inline const char *scratch_path(void **state, const char *name,
                                       char path[static PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%s", (const char *)*state, name);

    assert_in_range(length, 1, PATH_MAX - 1);
    return path;
}

/* A forked child: it runs `body` and ends with its result, or when it is ended; never later
 * than the test itself. leash: the child reads end of file from it once the test lets go. */
struct child {
    pid_t pid;
    int leash;
    int news; /* the child writes here, the test reads */
};

struct child_ends {
    int leash;
    int news;
};

static inline struct child child_start(int (*body)(const struct child_ends *, void *),
                                       void *argument)
{
    int leash[2];
    int news[2];
    pid_t pid;

    assert_int_equal(pipe2(leash, O_CLOEXEC), 0);
    assert_int_equal(pipe2(news, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct child_ends ends = {.leash = leash[0], .news = news[1]};

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        (void)close(leash[1]);
        (void)close(news[0]);
        _exit(body(&ends, argument));
    }
    (void)close(leash[0]);
    (void)close(news[1]);
    return (struct child){.pid = pid, .leash = leash[1], .news = news[0]};
}

/* In the child: waits until the test lets go. */
static inline void child_wait_for_end(const struct child_ends *ends)
{
    char byte;

    while (read(ends->leash, &byte, 1) > 0)
        continue;
}

/* In the child: says a byte. */
static inline void child_tell(const struct child_ends *ends)
{
    if (write(ends->news, "x", 1) != 1)
        _exit(99);
}

/* In the test: waits for a byte of the child. */
static inline void child_listen(const struct child *child)
{
    char byte;

    assert_int_equal(read(child->news, &byte, 1), 1);
}

/* Lets the child go without reaping it. */
static inline void child_release(struct child *child)
{
    child->leash = close_fd(child->leash);
    child->news = close_fd(child->news);
}

/* Kills the child where `kill_it`, lets it go, and returns its wait status. */
static inline int child_end(struct child *child, bool kill_it)
{
    int status = -1;

    if (kill_it)
        (void)kill(child->pid, SIGKILL);
    child_release(child);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    return status;
}

static inline int descriptors_count(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count;
}

static inline int descriptors_compare(int before, int failed)
{
    int left = descriptors_count() - before;

    /* A failed test leaves by longjmp and closes nothing. */
    if (failed == 0 && left != 0)
        print_error("%d descriptors were left open\n", left);
    return failed != 0 ? failed : left != 0;
}

/* Runs the tests; they fail too where they leave a descriptor open. */
#define run_os_tests(tests)                                                                    \
    __extension__({                                                                            \
        int before_ = descriptors_count();                                                     \
        descriptors_compare(before_, cmocka_run_group_tests(tests, NULL, NULL));               \
    })
