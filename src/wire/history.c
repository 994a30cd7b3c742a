#include "wire/history.h"

#include "base/error.h"
#include "wire/line.h"
#include "wire/record_shape.h"
#include "wire/strings.h"

#include <string.h>

static const char event_history[] = "history";

/* The line's members, borrowed from the entry or from the JSON value. */
struct history_line {
    uint64_t revision;
    const char *release;
    struct wall accepted;
    struct wall ended;
    enum outcome outcome;
    struct reason reason;
    const char *const *exec;
    size_t exec_n;
    const char *working_directory;
    const char *executable;
};

static const char *outcome_of(uint32_t value)
{
    return outcome_name((enum outcome)value);
}

#define LINE(member) .name = #member, .offset = offsetof(struct history_line, member)

static const struct member history_members[] = {
    {LINE(revision), .type = MEMBER_U64},
    {LINE(release), .type = MEMBER_TEXT, .optional = true},
    {LINE(accepted), .type = MEMBER_WALL},
    {LINE(ended), .type = MEMBER_WALL, .optional = true},
    {LINE(outcome), .type = MEMBER_ENUM, .max = OUTCOME_N - 1, .enum_name = outcome_of},
    {LINE(reason), .type = MEMBER_OBJECT, .shape = &reason_shape},
    {LINE(exec), .type = MEMBER_TEXTS, .count_offset = offsetof(struct history_line, exec_n)},
    {LINE(working_directory), .type = MEMBER_TEXT},
    {LINE(executable), .type = MEMBER_TEXT},
};

static const struct shape line_shape = {
    .name = "history",
    SHAPE_MEMBERS(history_members),
    .size = sizeof(struct history_line),
};

void history_entry_release(struct history_entry *entry)
{
    if (!entry)
        return;
    free(entry->release);
    strings_free(entry->exec);
    free(entry->working_directory);
    free(entry->executable);
    *entry = (struct history_entry){0};
}

int history_encode(const struct history_entry *entry, const struct record_stamp *stamp,
                   char **ret_line)
{
    const struct history_line line = {
        .revision = entry->revision,
        .release = entry->release,
        .accepted = entry->accepted,
        .ended = entry->ended,
        .outcome = entry->outcome,
        .reason = entry->reason,
        .exec = (const char *const *)entry->exec,
        .exec_n = strings_count((const char *const *)entry->exec),
        .working_directory = entry->working_directory,
        .executable = entry->executable,
    };
    _cleanup_json_ json_t *object = line_begin(stamp);
    int r;

    if (!object)
        return -ENOMEM;
    r = tree_set_consume(object, "event", json_string(event_history));
    if (r == 0)
        r = shape_encode_some(&line_shape, 0, &line, object);
    return r == 0 ? line_seal(object, ret_line) : r;
}

/* An owned copy of what `line` borrows. */
static int copy_line(const struct history_line *line, struct history_entry *ret_entry)
{
    _cleanup_(history_entry_release) struct history_entry entry = {
        .revision = line->revision,
        .accepted = line->accepted,
        .ended = line->ended,
        .outcome = line->outcome,
        .reason = line->reason,
        .release = line->release ? strdup(line->release) : NULL,
        .working_directory = strdup(line->working_directory),
        .executable = strdup(line->executable),
    };
    int r = strings_copy(line->exec, line->exec_n, &entry.exec);

    if (r < 0)
        return r;
    if ((line->release && !entry.release) || !entry.working_directory || !entry.executable)
        return -ENOMEM;
    *ret_entry = entry;
    entry = (struct history_entry){0};
    return 0;
}

bool line_is_history(const json_t *object)
{
    const char *event = json_string_value(json_object_get(object, "event"));

    return event && strcmp(event, event_history) == 0;
}

int line_to_history(const json_t *object, struct history_entry *ret_entry,
                    struct fault *ret_fault)
{
    _cleanup_(arena_release) struct arena arena = {0};
    const struct member *wrong = NULL;
    struct history_line line = {0};
    int r;

    if (!line_is_history(object)) {
        fault_say(ret_fault, "\"event\" is not \"%s\"", event_history);
        return 1;
    }
    r = shape_decode(&line_shape, object, &arena, &line, &wrong);
    if (r == 1)
        shape_explain(wrong, ret_fault);
    return r == 0 ? copy_line(&line, ret_entry) : r;
}

int history_decode(const char *line, size_t size, struct history_entry *ret_entry,
                   struct record_stamp *ret_stamp, struct fault *ret_fault)
{
    _cleanup_json_ json_t *object = NULL;
    struct record_stamp stamp;
    int r;

    if (size > 0 && line[size - 1] == '\n')
        size--;
    r = line_open(line, size, &object, &stamp, ret_fault);
    if (r == 0)
        r = line_to_history(object, ret_entry, ret_fault);
    if (r == 0)
        *ret_stamp = stamp;
    return r;
}
