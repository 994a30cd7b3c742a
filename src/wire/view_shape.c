#include "wire/view_shape.h"
/* The three ways to name a member and where it lies; an array also says where its count is. */
#define ONE(view, member) .name = #member, .offset = offsetof(struct view, member)
#define MANY(view, member, count)                                                              \
    ONE(view, member), .count_offset = offsetof(struct view, count)

#define LISTENER(member) ONE(listener_view, member)

static const struct member listener_members[] = {
    {LISTENER(name), .type = MEMBER_TEXT},
    {LISTENER(address), .type = MEMBER_TEXT},
    {LISTENER(source), .type = MEMBER_TEXT},
    {LISTENER(differs), .type = MEMBER_TEXT, .optional = true},
    {LISTENER(dispatch), .type = MEMBER_TEXT, .optional = true},
    {LISTENER(shared_because), .type = MEMBER_TEXT, .optional = true},
};

const struct shape listener_shape = {
    .name = "Listener", SHAPE_MEMBERS(listener_members), .size = sizeof(struct listener_view)};

#define FAILURE(member) ONE(failure_view, member)

static const struct member failure_members[] = {
    {FAILURE(cause), .type = MEMBER_TEXT},
    {FAILURE(text), .type = MEMBER_TEXT},
    {FAILURE(code), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {FAILURE(signal), .type = MEMBER_TEXT, .optional = true},
    {FAILURE(worker), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {FAILURE(slot), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {FAILURE(revision), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {MANY(failure_view, lines, line_n), .type = MEMBER_TEXTS, .optional = true},
};

const struct shape failure_shape = {
    .name = "Failure", SHAPE_MEMBERS(failure_members), .size = sizeof(struct failure_view)};

#define CONNECTIONS(member) ONE(connections_view, member)

static const struct member connections_members[] = {
    {CONNECTIONS(open), .type = MEMBER_INT},
    {CONNECTIONS(active), .type = MEMBER_INT},
    {CONNECTIONS(idle), .type = MEMBER_INT},
    {CONNECTIONS(queued), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {CONNECTIONS(oldest_seconds), .type = MEMBER_OPTIONAL_FLOAT, .optional = true},
    {CONNECTIONS(unread_bytes), .type = MEMBER_INT},
    {CONNECTIONS(unsent_bytes), .type = MEMBER_INT},
    {CONNECTIONS(told), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {CONNECTIONS(left), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {CONNECTIONS(unsure), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {CONNECTIONS(untold), .type = MEMBER_OPTIONAL_INT, .optional = true},
};

const struct shape connections_shape = {.name = "Connections",
                                        SHAPE_MEMBERS(connections_members),
                                        .size = sizeof(struct connections_view)};

#define WORKER(member) ONE(worker_view, member)

static const struct member worker_members[] = {
    {WORKER(id), .type = MEMBER_INT},
    {WORKER(slot), .type = MEMBER_INT},
    {WORKER(revision), .type = MEMBER_INT},
    {WORKER(release), .type = MEMBER_TEXT, .optional = true},
    {WORKER(state), .type = MEMBER_TEXT},
    {WORKER(pid), .type = MEMBER_INT},
    {WORKER(since), .type = MEMBER_FLOAT},
    {WORKER(started), .type = MEMBER_FLOAT},
    {WORKER(waits_for), .type = MEMBER_TEXT, .optional = true},
    {WORKER(memory_bytes), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {WORKER(status), .type = MEMBER_TEXT, .optional = true},
    {WORKER(adopted), .type = MEMBER_BOOL, .optional = true},
    {WORKER(expired), .type = MEMBER_TEXT, .optional = true},
    {WORKER(probe), .type = MEMBER_TEXT, .optional = true},
    {WORKER(asked), .type = MEMBER_OPTIONAL_FLOAT, .optional = true},
    {WORKER(log_identifier), .type = MEMBER_TEXT, .optional = true},
    {WORKER(lane), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {WORKER(connections), .type = MEMBER_OBJECT_AT, .shape = &connections_shape,
     .optional = true},
    {WORKER(delivery), .type = MEMBER_TEXT, .optional = true},
};

const struct shape worker_shape = {
    .name = "Worker", SHAPE_MEMBERS(worker_members), .size = sizeof(struct worker_view)};

#define SLOT(member) ONE(slot_view, member)

static const struct member slot_members[] = {
    {SLOT(slot), .type = MEMBER_INT},
    {SLOT(state), .type = MEMBER_TEXT},
    {SLOT(failures), .type = MEMBER_INT},
    {SLOT(crash_loop), .type = MEMBER_BOOL},
    {SLOT(retry), .type = MEMBER_OPTIONAL_FLOAT, .optional = true},
    {SLOT(last), .type = MEMBER_OBJECT_AT, .shape = &failure_shape, .optional = true},
};

const struct shape slot_shape = {
    .name = "Slot", SHAPE_MEMBERS(slot_members), .size = sizeof(struct slot_view)};

#define ROLLOUT(member) ONE(rollout_view, member)

static const struct member rollout_members[] = {
    {ROLLOUT(state), .type = MEMBER_TEXT},
    {ROLLOUT(since), .type = MEMBER_FLOAT},
    {ROLLOUT(stable), .type = MEMBER_INT},
    {ROLLOUT(target), .type = MEMBER_INT},
    {ROLLOUT(trial), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {ROLLOUT(waits_for), .type = MEMBER_TEXT, .optional = true},
    {MANY(rollout_view, queued, queued_n), .type = MEMBER_INTS},
    {ROLLOUT(failure), .type = MEMBER_OBJECT_AT, .shape = &failure_shape, .optional = true},
};

const struct shape rollout_shape = {
    .name = "Rollout", SHAPE_MEMBERS(rollout_members), .size = sizeof(struct rollout_view)};

#define OUTCOME(member) ONE(outcome_view, member)

static const struct member outcome_members[] = {
    {OUTCOME(revision), .type = MEMBER_INT},
    {OUTCOME(release), .type = MEMBER_TEXT, .optional = true},
    {OUTCOME(outcome), .type = MEMBER_TEXT},
    {OUTCOME(at), .type = MEMBER_FLOAT},
    {OUTCOME(seconds), .type = MEMBER_FLOAT},
    {OUTCOME(failure), .type = MEMBER_OBJECT_AT, .shape = &failure_shape, .optional = true},
    {OUTCOME(cut), .type = MEMBER_OPTIONAL_INT, .optional = true},
};

const struct shape outcome_shape = {
    .name = "Outcome", SHAPE_MEMBERS(outcome_members), .size = sizeof(struct outcome_view)};

#define RECOVERED(member) ONE(recovered_view, member)

static const struct member recovered_members[] = {
    {RECOVERED(at), .type = MEMBER_FLOAT},
    {RECOVERED(adopted), .type = MEMBER_INT},
    {RECOVERED(vanished), .type = MEMBER_INT},
    {RECOVERED(found), .type = MEMBER_INT},
};

const struct shape recovered_shape = {.name = "Recovered",
                                      SHAPE_MEMBERS(recovered_members),
                                      .size = sizeof(struct recovered_view)};

/* Members that came later are optional: at an upgrade, a newer reloadctl asks an older primary.
 */
#define APP(member) ONE(app_view, member)

static const struct member app_members[] = {
    {APP(name), .type = MEMBER_TEXT},
    {APP(pid), .type = MEMBER_INT},
    {APP(version), .type = MEMBER_TEXT},
    {APP(config), .type = MEMBER_TEXT, .optional = true},
    {APP(started), .type = MEMBER_FLOAT},
    {APP(desired), .type = MEMBER_INT},
    {APP(admitted), .type = MEMBER_INT},
    {APP(scale), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {APP(delivery), .type = MEMBER_TEXT},
    {APP(dispatch), .type = MEMBER_TEXT},
    {APP(revision), .type = MEMBER_INT},
    {APP(release), .type = MEMBER_TEXT, .optional = true},
    {APP(rollout), .type = MEMBER_OBJECT, .shape = &rollout_shape},
    {MANY(app_view, listeners, listener_n), .type = MEMBER_OBJECTS, .shape = &listener_shape},
    {MANY(app_view, slots, slot_n), .type = MEMBER_OBJECTS, .shape = &slot_shape},
    {MANY(app_view, workers, worker_n), .type = MEMBER_OBJECTS, .shape = &worker_shape},
    {APP(last), .type = MEMBER_OBJECT_AT, .shape = &outcome_shape, .optional = true},
    {MANY(app_view, warnings, warning_n), .type = MEMBER_TEXTS},
    {APP(newest), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {APP(survives), .type = MEMBER_BOOL, .optional = true},
    {APP(survives_not), .type = MEMBER_TEXT, .optional = true},
    {APP(recovered), .type = MEMBER_OBJECT_AT, .shape = &recovered_shape, .optional = true},
    {APP(limits_missing), .type = MEMBER_TEXT, .optional = true},
    {APP(fairness), .type = MEMBER_OPTIONAL_FLOAT, .optional = true},
    {APP(polite), .type = MEMBER_BOOL, .optional = true},
    {APP(polite_not), .type = MEMBER_TEXT, .optional = true},
};

const struct shape app_shape = {
    .name = "App", SHAPE_MEMBERS(app_members), .size = sizeof(struct app_view)};

#define ENTRY(member) ONE(entry_view, member)

static const struct member entry_members[] = {
    {ENTRY(revision), .type = MEMBER_INT},
    {ENTRY(release), .type = MEMBER_TEXT, .optional = true},
    {ENTRY(outcome), .type = MEMBER_TEXT},
    {ENTRY(accepted), .type = MEMBER_FLOAT},
    {ENTRY(ended), .type = MEMBER_OPTIONAL_FLOAT, .optional = true},
    {ENTRY(failure), .type = MEMBER_OBJECT_AT, .shape = &failure_shape, .optional = true},
    {MANY(entry_view, exec, exec_n), .type = MEMBER_TEXTS},
    {ENTRY(working_directory), .type = MEMBER_TEXT},
    {ENTRY(executable), .type = MEMBER_TEXT},
    {ENTRY(stable), .type = MEMBER_BOOL},
};

const struct shape entry_shape = {
    .name = "Entry", SHAPE_MEMBERS(entry_members), .size = sizeof(struct entry_view)};

#define STEP(member) ONE(step_view, member)

static const struct member step_members[] = {
    {STEP(worker), .type = MEMBER_INT},
    {STEP(slot), .type = MEMBER_INT},
    {STEP(revision), .type = MEMBER_INT},
    {STEP(state), .type = MEMBER_TEXT},
    {STEP(pid), .type = MEMBER_INT},
    {STEP(at), .type = MEMBER_FLOAT},
    {STEP(failure), .type = MEMBER_OBJECT_AT, .shape = &failure_shape, .optional = true},
    {STEP(connections), .type = MEMBER_OBJECT_AT, .shape = &connections_shape,
     .optional = true},
};

const struct shape step_shape = {
    .name = "Step", SHAPE_MEMBERS(step_members), .size = sizeof(struct step_view)};

#define LINE(member) ONE(line_view, member)

static const struct member line_members[] = {
    {LINE(at), .type = MEMBER_FLOAT},
    {LINE(text), .type = MEMBER_TEXT},
    {LINE(slot), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {LINE(revision), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {LINE(worker), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {LINE(source), .type = MEMBER_TEXT, .optional = true},
};

const struct shape line_shape = {
    .name = "Line", SHAPE_MEMBERS(line_members), .size = sizeof(struct line_view)};

static const struct member status_members[] = {
    {ONE(status_view, app), .type = MEMBER_OBJECT, .shape = &app_shape},
};

const struct shape status_shape = {
    .name = "Status", SHAPE_MEMBERS(status_members), .size = sizeof(struct status_view)};

#define PROGRESS(member) ONE(progress_view, member)

static const struct member progress_members[] = {
    {PROGRESS(revision), .type = MEMBER_INT},
    {PROGRESS(step), .type = MEMBER_OBJECT_AT, .shape = &step_shape, .optional = true},
    {PROGRESS(outcome), .type = MEMBER_OBJECT_AT, .shape = &outcome_shape, .optional = true},
};

const struct shape progress_shape = {
    .name = "Reload", SHAPE_MEMBERS(progress_members), .size = sizeof(struct progress_view)};

static const struct member scale_members[] = {
    {ONE(scale_view, desired), .type = MEMBER_INT},
    {ONE(scale_view, before), .type = MEMBER_INT},
};

const struct shape scale_shape = {
    .name = "Scale", SHAPE_MEMBERS(scale_members), .size = sizeof(struct scale_view)};

static const struct member logs_members[] = {
    {MANY(logs_view, lines, line_n), .type = MEMBER_OBJECTS, .shape = &line_shape},
};

const struct shape logs_shape = {
    .name = "Logs", SHAPE_MEMBERS(logs_members), .size = sizeof(struct logs_view)};

static const struct member history_members[] = {
    {MANY(history_view, revisions, revision_n), .type = MEMBER_OBJECTS, .shape = &entry_shape},
};

const struct shape history_shape = {
    .name = "History", SHAPE_MEMBERS(history_members), .size = sizeof(struct history_view)};

#define INFO(member) ONE(info_view, member)

static const struct member info_members[] = {
    {INFO(vendor), .type = MEMBER_TEXT},
    {INFO(product), .type = MEMBER_TEXT},
    {INFO(version), .type = MEMBER_TEXT},
    {INFO(url), .type = MEMBER_TEXT},
    {MANY(info_view, interfaces, interface_n), .type = MEMBER_TEXTS},
};

const struct shape info_shape = {
    .name = "GetInfo", SHAPE_MEMBERS(info_members), .size = sizeof(struct info_view)};

static const struct member description_members[] = {
    {ONE(description_view, description), .type = MEMBER_TEXT},
};

const struct shape description_shape = {.name = "GetInterfaceDescription",
                                        SHAPE_MEMBERS(description_members),
                                        .size = sizeof(struct description_view)};
