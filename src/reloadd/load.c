#include "reloadd/load.h"

#include "base/error.h"
#include "os/text_file.h"
#include "reloadd/pin.h"
#include "wire/config.h"
#include "wire/strings.h"

#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

/* Reads the file; *ret_text is the caller's. Returns 0, 1 where an error was added, or -ENOMEM.
 */
static int read_file(const char *path, struct config_errors *errors, char **ret_text,
                     size_t *ret_size)
{
    struct stat status;
    int r = 0;

    /* Looked at before it is opened: a pipe would block, and a folder says nothing useful. */
    if (stat(path, &status) < 0)
        r = error_from_errno();
    else if (S_ISDIR(status.st_mode))
        r = -EISDIR;
    else if (!S_ISREG(status.st_mode))
        r = -EINVAL;
    if (r == 0)
        r = text_file_read_whole(AT_FDCWD, path, CONFIG_SIZE_MAX, ret_text, ret_size);
    if (r == 0 || r == -ENOMEM)
        return r;
    if (r == -EFBIG)
        r = config_errors_add_at(errors, 0, 0, NULL, "expected at most %d bytes, found %lld",
                                 CONFIG_SIZE_MAX, (long long)status.st_size);
    else
        r = config_errors_add_at(errors, 0, 0, NULL,
                                 "expected a file that can be read, found: %s",
                                 r == -EINVAL ? "not a regular file" : strerror(-r));
    return r < 0 ? r : 1;
}

static int flag_listen(const char *const *listen, struct spec *spec,
                       struct config_errors *errors)
{
    size_t n = strings_count(listen);
    int total = 0;

    if (n == 0)
        return 0;
    for (size_t i = 0; i < spec->listener_n; i++)
        listener_spec_release(&spec->listeners[i]);
    free(spec->listeners);
    spec->listener_n = 0;
    spec->listeners = calloc(n, sizeof(*spec->listeners));
    if (spec->listeners == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int r = config_decode_listen(listen[i], i, "--listen",
                                     &spec->listeners[spec->listener_n], errors);

        if (r < 0)
            return r;
        if (r == 0)
            spec->listener_n++;
        total |= r;
    }
    return total;
}

static int flag_command(char *const *command, struct spec *spec, struct config_errors *errors)
{
    const char *const *words = (const char *const *)command;
    char **copy;
    int r;

    if (command == NULL)
        return 0;
    if (command[0] == NULL || *command[0] == '\0') {
        r = config_errors_add(errors, NULL, 0, "--", "expected a command, found nothing");
        return r < 0 ? r : 1;
    }
    r = strings_copy(words, strings_count(words), &copy);
    if (r < 0)
        return r;
    strings_free(spec->exec);
    spec->exec = copy;
    return 0;
}

static int lay_flags(const struct load_request *request, struct spec *spec,
                     struct config_errors *errors)
{
    int total = flag_listen(request->listen, spec, errors);
    int r = total;

    if (r >= 0 && request->workers != NULL) {
        r = config_decode_workers(request->workers, "--workers", spec, errors);
        total |= r;
    }
    if (r >= 0) {
        r = flag_command(request->command, spec, errors);
        total |= r;
    }
    if (r >= 0 && request->release != NULL) {
        spec->release = strdup(request->release);
        if (spec->release == NULL)
            r = -ENOMEM;
    }
    return r < 0 ? r : total;
}

/* Decodes the file, or the defaults where there is none, and lays the flags over it. */
static int decode(const struct load_request *request, const char *text, size_t size,
                  struct spec *spec, struct config_errors *errors)
{
    static const char no_file[] = "{}";
    unsigned flags = request->command != NULL ? CONFIG_EXEC_OPTIONAL : 0;
    int total, r;

    if (text != NULL)
        total = config_decode(text, size, flags, spec, errors);
    else
        total = config_decode(no_file, strlen(no_file), CONFIG_EXEC_OPTIONAL, spec, errors);
    if (total < 0)
        return total;
    /* Flags are looked at also where the file is wrong: `spec` is then empty. */
    r = lay_flags(request, spec, errors);
    if (r < 0 || r > 0 || total > 0)
        return r < 0 ? r : 1;
    if (spec->exec == NULL) {
        r = config_errors_add(errors, NULL, 0, "--", "expected a command, found nothing");
        return r < 0 ? r : 1;
    }
    /* What flags have changed has no place in the file. */
    if (request->command != NULL || request->listen != NULL)
        text = NULL;
    return config_check_listeners(spec, text, size, errors);
}

int load_spec(const struct load_request *request, struct spec *ret_spec,
              struct config_errors *errors)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_free_ char *directory = NULL;
    struct pin_request pin = {
        .file_directory = ".",
        .exec_place = request->command != NULL ? "--" : "$.exec[0]",
        .environment = request->environment,
        .errors = errors,
    };
    struct spec spec = {0};
    int r = 0;

    if (request->config_path != NULL) {
        r = read_file(request->config_path, errors, &text, &pin.size);
        if (r != 0)
            return r;
        directory = strdup(request->config_path);
        if (directory == NULL)
            return -ENOMEM;
        pin.file_directory = dirname(directory);
        pin.text = text;
    }
    r = decode(request, text, pin.size, &spec, errors);
    if (r == 0)
        r = pin_spec(&pin, &spec);
    if (r == 0)
        *ret_spec = spec;
    else
        spec_release(&spec);
    return r;
}
