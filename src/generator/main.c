/* reloadd-generator: makes units of the configurations. See docs/SYSTEMD.md. */
#include "base/error.h"
#include "base/log.h"
#include "generator/generate.h"
#include "generator/options.h"
#include "os/config_folder.h"
#include "os/systemd_version.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { CODE_DONE = 0, CODE_USAGE = 2 };

/* Where reloadd is: beside this program in a build tree, in PREFIX/bin where this one is in
 * PREFIX/lib/systemd/system-generators. Returns 0, 1 where it is in neither, or -errno. */
static int find_programs(char ret_folder[static PATH_MAX])
{
    static const char *const places[] = {".", "../../../bin"};
    char self[PATH_MAX] = "";
    const char *folder;

    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        return error_from_errno();
    folder = dirname(self);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char path[PATH_MAX + sizeof("../../../bin/reloadd") + 1];
        char place[PATH_MAX + sizeof("../../../bin") + 1];

        (void)snprintf(place, sizeof(place), "%s/%s", folder, places[i]);
        (void)snprintf(path, sizeof(path), "%s/reloadd", place);
        if (access(path, X_OK) == 0 && realpath(place, ret_folder) != NULL)
            return 0;
    }
    return 1;
}

static void run(const struct options *options)
{
    char programs[PATH_MAX];
    _cleanup_free_ char *configs = NULL;
    struct generate_request request = {
        .configs = options->configs,
        .output = options->output,
        .programs = programs,
        .systemd_version = options->systemd_version,
        .of_user = options->of_user,
    };
    int r = find_programs(programs);

    if (r != 0) {
        log_error("no units were made: reloadd is neither beside reloadd-generator nor in "
                  "../../../bin");
        return;
    }
    if (request.configs == NULL) {
        r = config_folder_find(options->of_user, &configs);
        if (r < 0) {
            log_error("no units were made: the folder of configurations can't be found: %s",
                      strerror(-r));
            return;
        }
        request.configs = configs;
    }
    if (access(request.configs, F_OK) < 0 && errno == ENOENT)
        return; /* most users have none: not a millisecond for them */
    if (request.systemd_version == 0 && systemd_version_read(&request.systemd_version) < 0)
        request.systemd_version = 0;
    (void)generate(&request);
}

/* The manager's generators say what they have to say to the kernel's log, for nothing else may
 * be there yet (systemd.generator(7)); a user's manager has its own place for stderr, and may
 * not write there. */
static void log_to_kernel(void)
{
    _cleanup_fd_ int fd = open("/dev/kmsg", O_WRONLY | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0)
        (void)dup2(fd, STDERR_FILENO);
}

/* A generator that fails would be told of, and change nothing: faults are in the log, by name.
 */
int main(int argc, char **argv)
{
    struct options options;

    (void)umask(0022);
    if (options_parse(argc, argv, getenv("SYSTEMD_SCOPE"), &options) != 0)
        return CODE_USAGE;
    if (options.help)
        (void)fputs(options_usage(), stdout);
    else if (options.version)
        (void)printf("reloadd-generator %s\n", RELOADD_VERSION);
    else {
        if (options.by_manager && !options.of_user)
            log_to_kernel();
        run(&options);
    }
    return CODE_DONE;
}
