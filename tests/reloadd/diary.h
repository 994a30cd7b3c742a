/* A shell in small, for tests of the journal: it steps the core through the life of an app,
 * does nothing with the effects but answer them, and writes a real journal of it.
 */
#pragma once

#include "os/scratch.h"
#include "reloadd/state_journal.h"

#include <stdlib.h>

enum { DIARY_EVENTS_MAX = 256 };

struct diary {
    struct rollout *rollout;
    struct update *update;
    struct revisions revisions;
    struct state_journal *journal;
    struct recovery recovery;
    uint64_t clock; /* ns */
    struct event events[DIARY_EVENTS_MAX];
    size_t first;
    size_t n;
    bool breaks; /* workers exit instead of becoming ready */
};

static inline struct policy diary_policy(uint32_t workers)
{
    return (struct policy){
        .workers = workers,
        .readiness = READINESS_AUTO,
        .readiness_timeout = span_from_ms(30000),
        .drain_timeout = span_from_ms(30000),
        .progress_deadline = span_from_ms(600000),
        .restart_initial = span_from_ms(100),
        .restart_max = span_from_ms(15000),
        .restart_reset = span_from_ms(30000),
        .max_surge = {1, false},
        .auto_rollback = true,
    };
}

static inline char **diary_words(const char *first, const char *second)
{
    char **words = calloc(3, sizeof(*words));

    assert_non_null(words);
    words[0] = strdup(first);
    words[1] = second != NULL ? strdup(second) : NULL;
    return words;
}

static inline struct spec diary_spec(const char *release, uint32_t workers)
{
    return (struct spec){
        .exec = diary_words("server", "--quick"),
        .drain_signal = SIGTERM,
        .drain_idle = DRAIN_IDLE_DEFAULT,
        .policy = diary_policy(workers),
        .release = release != NULL ? strdup(release) : NULL,
        .pinned_executable = strdup("/usr/bin/server"),
        .pinned_directory = strdup("/srv"),
        .pinned_environment = diary_words("PATH=/bin", NULL),
    };
}

static inline void diary_init(struct diary *diary)
{
    *diary = (struct diary){
        .rollout = calloc(1, sizeof(*diary->rollout)),
        .update = calloc(1, sizeof(*diary->update)),
        .clock = 1000,
    };
    assert_non_null(diary->rollout);
    assert_non_null(diary->update);
}

/* Forgets everything but its memory, as a primary that was killed. */
static inline void diary_close(struct diary *diary)
{
    state_journal_free(diary->journal);
    diary->journal = NULL;
    revisions_release(&diary->revisions);
    memset(diary->rollout, 0, sizeof(*diary->rollout));
    diary->first = diary->n = 0;
}

static inline void diary_release(struct diary *diary)
{
    diary_close(diary);
    free(diary->rollout);
    free(diary->update);
}

/* What state_journal_open() says. */
static inline int diary_open(struct diary *diary, const char *path)
{
    return state_journal_open(path, "web", diary->rollout, &diary->revisions, &diary->journal,
                              &diary->recovery);
}

static inline void diary_post(struct diary *diary, struct event event)
{
    assert_true(diary->n < DIARY_EVENTS_MAX);
    diary->events[(diary->first + diary->n++) % DIARY_EVENTS_MAX] = event;
}

static inline void diary_step(struct diary *diary, struct event event);

static inline void diary_run(struct diary *diary, const struct effect *effect)
{
    uint64_t worker = effect->worker;

    if (effect->kind == EFFECT_SPAWN) {
        diary_post(diary, (struct event){.kind = EVENT_SPAWNED,
                                         .worker = worker,
                                         .pid = (int32_t)(1000 + worker),
                                         .start_time = 7});
        diary_post(diary, diary->breaks
                              ? (struct event){.kind = EVENT_EXITED,
                                               .worker = worker,
                                               .exit = {.cause = CAUSE_EXITED, .code = 3}}
                              : (struct event){.kind = EVENT_READY, .worker = worker});
    }
    if (effect->kind == EFFECT_DRAIN || effect->kind == EFFECT_KILL)
        diary_post(diary, (struct event){.kind = EVENT_EXITED,
                                         .worker = worker,
                                         .exit = {.cause = CAUSE_EXITED}});
    if (effect->kind == EFFECT_FORGET)
        revisions_forget(&diary->revisions, effect->revision);
}

/* One event, written down where the journal takes it. */
static inline void diary_step(struct diary *diary, struct event event)
{
    _cleanup_text_ struct text lines = {0};
    struct wall at = {1700000000000000 + (int64_t)(diary->clock / 1000)};

    event.at = (struct instant){diary->clock += 1000000};
    rollout_step(diary->rollout, &event, diary->update);
    assert_int_equal(
        state_journal_encode(diary->journal, diary->update, &diary->revisions, at, &lines), 0);
    (void)state_journal_append(diary->journal, &lines, diary->update->effect_n > 0);
    for (size_t i = 0; i < diary->update->record_n; i++) {
        const struct record *record = &diary->update->records[i];

        if (record->kind == RECORD_REVISION_ACCEPTED)
            revisions_date(&diary->revisions, record->revision, at);
        if (record->kind == RECORD_ROLLOUT_ENDED)
            revisions_end(&diary->revisions, record->revision, at, record->outcome,
                          &record->reason);
    }
    for (size_t i = 0; i < diary->update->effect_n; i++)
        diary_run(diary, &diary->update->effects[i]);
}

static inline void diary_pump(struct diary *diary)
{
    while (diary->n > 0) {
        struct event event = diary->events[diary->first];

        diary->first = (diary->first + 1) % DIARY_EVENTS_MAX;
        diary->n--;
        diary_step(diary, event);
    }
}

/* Pins a revision and has the core accept it. Returns its number. */
static inline uint64_t diary_accept(struct diary *diary, const char *release, uint32_t workers)
{
    uint64_t revision = diary->rollout->last_revision + 1;
    struct spec spec = diary_spec(release, workers);
    struct policy policy = spec.policy;
    char *text = NULL;

    assert_int_equal(spec_encode(&spec, &text), 0);
    assert_int_equal(
        revisions_pin_take(&diary->revisions, revision, (struct wall){1}, &spec, &text), 0);
    diary_step(diary,
               (struct event){.kind = EVENT_ACCEPT, .revision = revision, .policy = &policy});
    return revision;
}

/* A primary begins: with a revision of its own, or with the stable one again. */
static inline void diary_boot(struct diary *diary, const char *release)
{
    uint64_t revision = release != NULL ? diary_accept(diary, release, 2) : 0;

    diary_step(diary, (struct event){.kind = EVENT_BOOT, .revision = revision});
    diary_pump(diary);
}

static inline void diary_reload(struct diary *diary, const char *release, bool breaks)
{
    uint64_t revision = diary_accept(diary, release, 2);

    diary->breaks = breaks;
    diary_step(diary, (struct event){.kind = EVENT_RELOAD, .revision = revision});
    diary_pump(diary);
    diary->breaks = false;
}

/* All that must survive a restart, as text of the caller's. */
static inline char *diary_picture(struct diary *diary)
{
    const struct record_stamp stamp = {.seq = 1,
                                       .boot = "0f0e0d0c-0b0a-4908-8706-050403020100"};
    struct text text = {0};
    char *picture = NULL;

    rollout_snapshot(diary->rollout, (struct instant){1}, diary->update);
    for (size_t i = 0; i < diary->update->record_n; i++) {
        _cleanup_free_ char *line = NULL;

        assert_int_equal(record_encode(&diary->update->records[i], &stamp, NULL, &line), 0);
        assert_int_equal(text_append_string(&text, line), 0);
    }
    for (size_t i = 0; i < diary->revisions.n; i++) {
        const struct revision_entry *entry = &diary->revisions.items[i];
        _cleanup_free_ char *line = NULL;

        assert_int_equal(history_encode(&entry->history, &stamp, &line), 0);
        assert_int_equal(text_appendf(&text, "%s%s\n", line,
                                      entry->pinned ? entry->spec_text : "not pinned"),
                         0);
    }
    assert_int_equal(text_take(&text, &picture), 0);
    return picture;
}
