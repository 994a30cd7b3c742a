#include "reloadd/load.h"

#include "base/error.h"
#include "os/text_file.h"
#include "reloadd/pin.h"
#include "wire/config.h"
#include "wire/strings.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

/* Where errors of flags are told. */
#define LISTEN_FLAG  "--listen"
#define WORKERS_FLAG "--workers"
#define COMMAND_FLAG "--"

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

static bool has_listen_flags(const struct load_request *request)
{
    return request->listen != NULL && request->listen[0] != NULL;
}

static int flag_listen(const char *const *listen, struct spec *spec,
                       struct config_errors *errors)
{
    size_t n = strings_count(listen);
    int total = 0;

    if (n == 0)
        return 0;
    spec->discovers = false;
    for (size_t i = 0; i < spec->listener_n; i++)
        listener_spec_release(&spec->listeners[i]);
    free(spec->listeners);
    spec->listener_n = 0;
    spec->listeners = calloc(n, sizeof(*spec->listeners));
    if (spec->listeners == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int r = config_decode_listen(listen[i], i, LISTEN_FLAG,
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
    char **copy = NULL;
    int total = 0;
    int r;

    if (command == NULL)
        return 0;
    if (command[0] == NULL || *command[0] == '\0') {
        r = config_errors_add(errors, NULL, 0, COMMAND_FLAG,
                              "expected a command, found nothing");
        total = 1;
    } else {
        r = strings_copy(words, strings_count(words), &copy);
    }
    if (r < 0)
        return r;
    strings_free(spec->exec);
    spec->exec = copy;
    return total;
}

/* Lays the flags over what the file says. */
static int lay_flags(const struct load_request *request, struct spec *spec,
                     struct config_errors *errors)
{
    int total = flag_listen(request->listen, spec, errors);
    int r = total;

    if (r >= 0 && request->workers != NULL) {
        r = config_decode_workers(request->workers, WORKERS_FLAG, spec, errors);
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

/* Decodes the text of the file, or the defaults where there is none. Returns as config_decode()
 * does. */
static int decode_file(const struct load_request *request, const char *text, size_t size,
                       struct spec *spec, struct config_errors *errors)
{
    static const char no_file[] = "{}";
    unsigned flags = 0;
    int r;

    if (request->command != NULL || text == NULL)
        flags |= CONFIG_EXEC_ELSEWHERE;
    if (has_listen_flags(request))
        flags |= CONFIG_LISTEN_ELSEWHERE;
    if (text != NULL)
        return config_decode(text, size, flags, spec, errors);
    r = config_decode(no_file, strlen(no_file), flags, spec, errors);
    if (r != 0 || request->command != NULL)
        return r;
    r = config_errors_add(errors, NULL, 0, COMMAND_FLAG, "expected a command, found nothing");
    return r < 0 ? r : 1;
}

/* Decodes the file, lays the flags over it and looks at the outside. The file may be wrong and
 * the others will still be looked at, unless it could not be read at all. */
static int load(const struct load_request *request, struct pin_request *pin, struct spec *spec)
{
    const struct config_origin origin = {
        .text = pin->text,
        .size = pin->size,
        .listen = has_listen_flags(request) ? LISTEN_FLAG : NULL,
        .exec = request->command != NULL ? COMMAND_FLAG : NULL,
    };
    int read = decode_file(request, pin->text, pin->size, spec, pin->errors);
    int total = read;
    int r;

    if (read < 0)
        return read;
    r = lay_flags(request, spec, pin->errors);
    if (read == CONFIG_UNREADABLE || r < 0)
        return r < 0 ? r : 1;
    total |= r;
    r = config_check_flags(spec, &origin, pin->errors);
    if (r < 0)
        return r;
    total |= r;
    r = pin_spec(pin, spec);
    return r < 0 ? r : total | r;
}

int load_spec(const struct load_request *request, struct spec *ret_spec,
              struct config_errors *errors)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_free_ char *directory = NULL;
    struct pin_request pin = {
        .file_directory = ".",
        .exec_place = request->command != NULL ? COMMAND_FLAG : "$.exec[0]",
        .environment = request->environment,
        .errors = errors,
    };
    struct spec spec = {0};
    int r;

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
    r = load(request, &pin, &spec);
    if (r == 0)
        *ret_spec = spec;
    else
        spec_release(&spec);
    return r;
}
