/* Prints docs/STATES.md from the core's own tables. Not a program by itself: test_states.c has
 * its main, and compares. */
#include "states.h"

#include "core/step.h"

static void print_row_of_dashes(FILE *file, unsigned columns)
{
    for (unsigned i = 0; i < columns; i++)
        fputs("|---", file);
    fputs("|\n", file);
}

static void print_head(FILE *file)
{
    fputs("# States\n\n"
          "The states of the core, its events, records and effects. Made from the tables of\n"
          "`src/core`; don't edit. To make it again:\n\n"
          "    build/dev/tests/core_test_states --write >docs/STATES.md\n\n"
          "The test `core/test_states` fails where this file and the tables differ.\n\n",
          file);
}

static void print_rollout(FILE *file)
{
    fputs(
        "## The rollout\n\n"
        "    STEADY ──reload──▶ FORWARD ──all admitted──▶ SETTLING ──old ones gone──▶ STEADY\n"
        "                          │ failed\n"
        "                          ▼\n"
        "                      REVERTING ──old ones are back, new ones gone──▶ STEADY\n"
        "    any ──stop──▶ STOPPING ──nothing lives──▶ STOPPED\n\n"
        "A rollout that fails where nothing was promoted before stops the app. One that fails\n"
        "with `auto_rollback` off, or because the journal can't be written, halts: STEADY, "
        "each\n"
        "slot with the revision that serves in it.\n\n"
        "A primary that was killed changes no state: the next one is told what has `vanished` "
        "and\nwhat was `found` besides, then `adopt` goes on from there.\n\n"
        "States of a rollout:",
        file);
    for (unsigned i = 0; i < ROLLOUT_STATE_N; i++)
        fprintf(file, " `%s`", rollout_state_name((enum rollout_state)i));
    fputs(".\nStates of a slot:", file);
    for (unsigned i = 0; i < SLOT_STATE_N; i++)
        fprintf(file, " `%s`", slot_state_name((enum slot_state)i));
    fputs(".\nOutcomes:", file);
    for (unsigned i = OUTCOME_NONE + 1; i < OUTCOME_N; i++)
        fprintf(file, " `%s`", outcome_name((enum outcome)i));
    fputs(".\nReasons:", file);
    for (unsigned i = CAUSE_NONE + 1; i < CAUSE_N; i++)
        fprintf(file, " `%s`", cause_name((enum cause)i));
    fputs(".\nEvents:", file);
    for (unsigned i = 0; i < EVENT_N; i++)
        fprintf(file, " `%s`", event_name((enum event_kind)i));
    fputs(".\n\n", file);
}

static void print_worker(FILE *file)
{
    fputs("## The worker\n\n"
          "    SPAWNING ─▶ STARTING ─▶ WARMING ─▶ ADMITTED ─▶ DRAINING ─▶ (gone)\n"
          "                    │           │          │           │\n"
          "                    └───────────┴──────────┴─▶ KILLING ◀┘\n\n"
          "What each event does in each state, by the name of its cell in `src/core/worker.c`. "
          "A\n"
          "dash can't happen; `tests/core/test_worker.c` has the reason of each.\n\n"
          "| event ",
          file);
    for (unsigned s = 0; s < WORKER_STATE_N; s++)
        fprintf(file, "| %s ", worker_state_name((enum worker_state)s));
    fputs("|\n", file);
    print_row_of_dashes(file, WORKER_STATE_N + 1);
    for (unsigned e = 0; e < WORKER_EVENT_N; e++) {
        fprintf(file, "| %s ", worker_event_name((enum worker_event)e));
        for (unsigned s = 0; s < WORKER_STATE_N; s++) {
            const char *cell = worker_cell_name((enum worker_state)s, (enum worker_event)e);

            fprintf(file, "| %s ", cell ? cell : "—");
        }
        fputs("|\n", file);
    }
    fputs("\n", file);
}

static const struct {
    uint32_t field;
    const char *name;
} fields[] = {
    {FIELD_REVISION, "revision"},
    {FIELD_WORKER, "worker"},
    {FIELD_SLOT, "slot"},
    {FIELD_WORKERS, "workers"},
    {FIELD_FAILURES, "failures"},
    {FIELD_PID, "pid"},
    {FIELD_START_TIME, "start_time"},
    {FIELD_DEADLINE, "deadline"},
    {FIELD_OUTCOME, "outcome"},
    {FIELD_REASON, "reason"},
    {FIELD_POLICY, "policy"},
    {FIELD_STATE, "state"},
    {FIELD_SINCE, "since"},
    {FIELD_STARTED, "started"},
    {FIELD_READY, "ready"},
    {FIELD_PROGRESS, "progress"},
    {FIELD_STABLE, "stable"},
    {FIELD_TARGET, "target"},
    {FIELD_TRIAL, "trial"},
    {FIELD_SCALE_BASE, "scale_base"},
    {FIELD_LAST_REVISION, "last_revision"},
    {FIELD_LAST_WORKER, "last_worker"},
    {FIELD_WATCHDOG, "watchdog"},
    {FIELD_EXPIRED, "expired"},
    {FIELD_ASKED, "asked"},
};

static void print_records(FILE *file)
{
    fputs("## Records\n\nWhat is made durable before anything is done. Each also has the "
          "time.\n\n"
          "| record | members |\n",
          file);
    print_row_of_dashes(file, 2);
    for (unsigned i = 0; i < RECORD_N; i++) {
        const char *comma = "";

        fprintf(file, "| %s | ", record_name((enum record_kind)i));
        for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
            if (!(record_fields((enum record_kind)i) & fields[f].field))
                continue;
            fprintf(file, "%s%s", comma, fields[f].name);
            comma = ", ";
        }
        fputs(" |\n", file);
    }
    fputs("\n", file);
}

/* Total over enum effect_kind: the compiler asks for a new one's meaning. */
static const char *effect_meaning(enum effect_kind kind)
{
    switch (kind) {
    case EFFECT_SPAWN:
        return "start the worker; answered by `spawned` or `spawn_failed` before any other "
               "event";
    case EFFECT_DRAIN:
        return "send the worker its drain signal";
    case EFFECT_ABORT:
        return "send the worker SIGABRT, so that a hung one leaves a core";
    case EFFECT_KILL:
        return "send SIGKILL to the worker's whole group";
    case EFFECT_SWEEP:
        return "the worker is gone: end what is left of its group";
    case EFFECT_OUTCOME:
        return "tell who waits for the revision";
    case EFFECT_FORGET:
        return "the revision's pinned configuration is not needed any more";
    case EFFECT_CLOSE_LISTENERS:
        return "the app stops for good";
    case EFFECT_EXIT:
        return "nothing is left: the primary ends; outcome `failed` where it stopped by itself";
    case EFFECT_N:
        break;
    }
    return "";
}

static void print_effects(FILE *file)
{
    fputs("## Effects\n\nWhat is asked for once the records are durable.\n\n"
          "| effect | meaning |\n",
          file);
    print_row_of_dashes(file, 2);
    for (unsigned i = 0; i < EFFECT_N; i++)
        fprintf(file, "| %s | %s |\n", effect_name((enum effect_kind)i),
                effect_meaning((enum effect_kind)i));
}

void states_print(FILE *file)
{
    print_head(file);
    print_rollout(file);
    print_worker(file);
    print_records(file);
    print_effects(file);
}
