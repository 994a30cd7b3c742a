/* reloadd-exec: what stands between fork and a worker's program.
 *
 * A chain loader, in the manner of s6's: it changes its own process step by step and then
 * becomes the program. The primary starts it for each worker and learns of a failure through a
 * pipe (base/exec_status.h); by hand it does the same and complains on standard error.
 */
#include "base/exec_status.h"
#include "reloadd-exec/options.h"
#include "reloadd-exec/steps.h"

#include <errno.h>
#include <stdio.h>

enum {
    EXIT_STEP = 125, /* as env(1) has them */
    EXIT_CANNOT_RUN = 126,
    EXIT_NOT_FOUND = 127,
};

static int exit_code(const struct exec_status *status)
{
    if (status->step != EXEC_STEP_EXEC && status->step != EXEC_STEP_INTERPRETER)
        return EXIT_STEP;
    return status->error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

/* Returns the exit code. */
static int report(const struct options *options, const struct exec_status *status)
{
    char line[EXEC_STATUS_LINE_MAX];
    char text[EXEC_STATUS_LINE_MAX + 128];
    size_t size = exec_status_encode(status->step, status->error, status->detail, line);

    if (options->status_fd < 0 || write(options->status_fd, line, size) < 0)
        (void)fprintf(stderr, "reloadd-exec: %s\n",
                      exec_status_describe(status, text, sizeof text));
    return exit_code(status);
}

int main(int argc, char **argv)
{
    struct exec_status status = {.step = EXEC_STEP_OPTIONS, .error = EINVAL};
    struct options options;
    const char *wrong = NULL;

    if (options_parse(argc, argv, &options, &wrong) > 0) {
        (void)snprintf(status.detail, sizeof status.detail, "%s", wrong);
        if (options.status_fd < 0)
            (void)fputs("Try 'reloadd-exec --help'.\n", stderr);
        return report(&options, &status);
    }
    if (options.help || options.version) {
        if (fputs(options.help ? options_help : "reloadd-exec " RELOADD_VERSION "\n", stdout) <
            0)
            return EXIT_STEP;
        return 0;
    }
    steps_take(&options, &status);
    return report(&options, &status);
}
