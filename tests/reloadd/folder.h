/* What the tests of the configuration's outside share: files in a folder that is gone
 * afterwards, and errors as lines. */
#pragma once

#include "os/scratch.h"

#include "wire/config_error.h"

/* Writes "SCRATCH/NAME" with these permission bits. */
static inline void write_file(void **state, const char *name, mode_t mode, const char *text)
{
    char path[PATH_MAX];
    int fd =
        open(scratch_path(state, name, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static inline void make_folder(void **state, const char *name)
{
    char path[PATH_MAX];

    assert_int_equal(mkdir(scratch_path(state, name, path), 0755), 0);
}

static inline void make_link(void **state, const char *name, const char *target)
{
    char path[PATH_MAX];

    assert_int_equal(symlink(target, scratch_path(state, name, path)), 0);
}

/* Compares with "SCRATCH/NAME". */
static inline void expect_path(void **state, const char *found, const char *name)
{
    char path[PATH_MAX];

    assert_non_null(found);
    assert_string_equal(found, scratch_path(state, name, path));
}

/* Compares all errors as lines; the folder's path is shown as "DIR" wherever it stands.
 * Releases them. */
static inline void expect_errors(void **state, struct config_errors *errors,
                                 const char *expected)
{
    const char *folder = *state;
    char all[8192] = "";
    size_t n = 0;

    for (size_t i = 0; i < errors->n; i++) {
        char *line;
        const char *at, *found;

        assert_int_equal(config_error_format(&errors->list[i], "web.json", &line), 0);
        for (at = line; (found = strstr(at, folder)) != NULL; at = found + strlen(folder))
            n += (size_t)snprintf(all + n, sizeof(all) - n, "%.*sDIR", (int)(found - at), at);
        n += (size_t)snprintf(all + n, sizeof(all) - n, "%s\n", at);
        assert_true(n < sizeof(all));
        free(line);
    }
    assert_string_equal(all, expected);
    config_errors_release(errors);
}
