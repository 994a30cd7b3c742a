#include "os/oom.h"

#include "base/error.h"
#include "os/cgroup.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CLAIM_TIME span_from_ms(10000)

enum {
    FILE_SIZE_MAX = 1 << 16, /* /proc/vmstat has some 4 KiB */
};

/* Reads the line "oom_kill N". Returns 0; 1 where the file or the line is not there; -errno. */
static int read_count(const char *path, uint64_t *ret_kills)
{
    _cleanup_free_ char *text = NULL;
    const char *line;
    size_t size;
    int rv = text_file_read_whole(AT_FDCWD, path, FILE_SIZE_MAX, &text, &size);

    if (rv == -ENOENT || rv == -ENODEV)
        return 1;
    if (rv < 0)
        return rv;
    for (line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (sscanf(line, "oom_kill %" SCNu64, ret_kills) == 1)
            return 0;
    }
    return 1;
}

static int read_count_in(const char *folder, const char *file, uint64_t *ret_kills)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);

    return length < 0 || (size_t)length >= sizeof path ? -ENAMETOOLONG
                                                       : read_count(path, ret_kills);
}

int oom_count(const char *folder, uint64_t *ret_kills)
{
    int rv = read_count_in(folder, "memory.events", ret_kills);

    return rv == 1 ? read_count_in(folder, "memory.oom_control", ret_kills) : rv;
}

/* Takes FOLDER/FILE, or FILE alone, where it has a count. Returns 0; 1: it has none; -ENOMEM.
 */
static int try_file(struct oom_watch *watch, const char *folder, const char *file)
{
    char *path = NULL;

    if (asprintf(&path, "%s%s%s", folder != NULL ? folder : "", folder != NULL ? "/" : "",
                 file) < 0)
        return -ENOMEM;
    if (read_count(path, &watch->seen) != 0) {
        free(path);
        return 1;
    }
    watch->file = path;
    return 0;
}

int oom_watch_begin(const char *folder, struct oom_watch *ret_watch)
{
    _cleanup_free_ char *mount = NULL;
    _cleanup_free_ char *older_mount = NULL;
    _cleanup_free_ char *own = NULL;
    _cleanup_free_ char *older = NULL;
    struct oom_watch watch = {0};
    int rv = folder != NULL ? try_file(&watch, folder, "memory.events") : 1;

    if (rv == 1 && cgroup_find_own(NULL, &mount, &own) == 0)
        rv = try_file(&watch, own, "memory.events");
    if (rv == 1 && cgroup_find_own("memory", &older_mount, &older) == 0)
        rv = try_file(&watch, older, "memory.oom_control");
    if (rv == 1) {
        rv = try_file(&watch, NULL, "/proc/vmstat");
        watch.of_machine = true;
    }
    if (rv < 0)
        return rv;
    *ret_watch = watch;
    return 0;
}

void oom_watch_release(struct oom_watch *watch)
{
    free(watch->file);
    *watch = (struct oom_watch){0};
}

void oom_watch_look(struct oom_watch *watch, struct instant now)
{
    uint64_t kills;

    if (watch->file == NULL || read_count(watch->file, &kills) != 0)
        return;
    if (kills > watch->seen) {
        watch->unclaimed += kills - watch->seen;
        watch->grown = now;
    } else if (instant_reached(now, instant_plus(watch->grown, CLAIM_TIME))) {
        watch->unclaimed = 0;
    }
    watch->seen = kills;
}

enum oom_verdict oom_has_struck(struct oom_watch *watch, const char *folder, struct instant now)
{
    uint64_t kills;

    oom_watch_look(watch, now);
    if (folder != NULL && oom_count(folder, &kills) == 0)
        return kills > 0 ? OOM_YES : OOM_NO;
    if (watch->unclaimed == 0)
        return OOM_NO;
    watch->unclaimed--;
    return watch->of_machine ? OOM_PERHAPS : OOM_YES;
}
